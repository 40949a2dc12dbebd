// What starting this runtime takes: a program that does nothing.

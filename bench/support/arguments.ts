// deno-lint-ignore-file no-console -- part of programs
/** What a program was given. `deno task NAME -- ...` hands on the two dashes, too. */
export function programArguments(): string[] {
  return Deno.args[0] === "--" ? Deno.args.slice(1) : [...Deno.args];
}

/** For `parseArgs`: what it does not know ends the program, or a misspelt option would cost half an hour. */
export function refuseUnknown(program: string): (argument: string) => never {
  return (argument) => {
    console.error(`${program}: unknown argument '${argument}'`);
    Deno.exit(2);
  };
}

import { variable } from "../support.ts";

/** The packages and their tests, with a slash at the end. */
export const PACKAGES: string = variable("INTEROP_SUITES_NODE");

/** Comes before tests that cannot be told where the broker is. */
export const REDIRECT: string = new URL("support.redirect.cjs", import.meta.url).pathname;

/** Mocha, which leaves nobody waiting who forgot to close a connection. */
export const MOCHA: readonly string[] = [`${PACKAGES}mocha/bin/mocha.js`, "--exit", "--no-config"];

/** What it tells of tests that passed. */
export const MOCHA_RAN = /^ {2}(\d+) passing/gm;

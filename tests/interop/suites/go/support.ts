import { runSuite, variable } from "../support.ts";

/** Tests of a Go package, which were built to a program. */
export interface GoSuite {
  /** The program. */
  readonly program: string;
  /** Which tests: what their names match. */
  readonly only: string;
  /** Variables that tell the tests what they want to know. */
  readonly env: Readonly<Record<string, string>>;
  /** More arguments of the program. */
  readonly args?: readonly string[];
  /** How many tests they are. */
  readonly tests: number;
  /** Lines that would only hide what failed. */
  readonly noise: RegExp;
}

/** Runs tests of a package. */
export async function runGoSuite(
  { program, only, env, args = [], tests, noise }: GoSuite,
): Promise<void> {
  await runSuite({
    command: `${variable("INTEROP_SUITES_GO")}${program}`,
    args: ["-test.v", "-test.run", only, ...args],
    env,
    ran: /^--- PASS/gm,
    tests,
    noise,
  });
}

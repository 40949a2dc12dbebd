import { runSuite, variable } from "../support.ts";

/** Tests of a Go package, which were built to a program. */
export interface GoSuite {
  /** The program. */
  readonly program: string;
  /** Tests that are left out, each with the reason beside it. */
  readonly without: readonly string[];
  /** Variables that tell the tests what they want to know. */
  readonly env: Readonly<Record<string, string>>;
  /** How many tests are left. */
  readonly tests: number;
  /** Lines that would only hide what failed. */
  readonly noise: RegExp;
}

/** Runs the tests of a package but for some. */
export async function runGoSuite(suite: GoSuite): Promise<void> {
  const { program, without, env, tests, noise } = suite;
  const command = `${variable("INTEROP_SUITES_GO")}${program}`;
  // by naming those that are left: Go can leave out only since 1.20
  const { stdout } = await new Deno.Command(command, { args: ["-test.list", "^(Test|Example)"] })
    .output();
  const names = new TextDecoder().decode(stdout).split("\n")
    .filter((name) => name !== "" && !without.includes(name));
  await runSuite({
    command,
    args: ["-test.v", "-test.run", `^(${names.join("|")})$`],
    env,
    ran: /^--- PASS/gm,
    tests,
    noise,
  });
}

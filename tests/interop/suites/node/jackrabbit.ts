/** The tests of jackrabbit, a library on an amqplib of 2016. */

import { runSuite, variable } from "../support.ts";
import { MOCHA, MOCHA_PASSED, PACKAGES } from "./support.ts";

await runSuite({
  command: "node",
  args: [...MOCHA, "test"],
  cwd: `${PACKAGES}jackrabbit`,
  env: { RABBIT_URL: variable("AMQP_URL") },
  passed: MOCHA_PASSED,
  tests: 30,
});

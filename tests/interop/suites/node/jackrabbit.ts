/** The tests of jackrabbit, a library on an amqplib of 2016. */

import { runSuite, variable } from "../support.ts";
import { MOCHA, MOCHA_RAN, PACKAGES } from "./support.ts";

await runSuite({
  command: "node",
  args: [...MOCHA, "test"],
  cwd: `${PACKAGES}jackrabbit`,
  env: { RABBIT_URL: variable("AMQP_URL") },
  ran: MOCHA_RAN,
  tests: 30,
});

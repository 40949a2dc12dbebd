/** The tests of elastic.io's RPC, with and without a broker: they say `amqp://localhost`. */

import { runSuite } from "../support.ts";
import { MOCHA, MOCHA_RAN, PACKAGES, REDIRECT } from "./support.ts";

await runSuite({
  command: "node",
  args: [
    ...MOCHA,
    ...["--require", REDIRECT, "--require", "./test/bootstrap.js"],
    ...["--timeout", "10000", "--recursive", "test"],
  ],
  cwd: `${PACKAGES}@elastic.io/amqp-rpc`,
  ran: MOCHA_RAN,
  tests: 88, // and one that its authors skip
});

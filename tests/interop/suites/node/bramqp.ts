/**
 * The tests of bramqp, a client that is made of the specification's XML: those that need a broker,
 * which they look for on port 5672. Their queue `test-queue` must not be there before.
 */

import { runSuite } from "../support.ts";
import { PACKAGES, REDIRECT } from "./support.ts";

const tests = ["queue", "concurrent-connection", "concurrent-method"];

await runSuite({
  command: "node",
  args: [
    ...["--require", REDIRECT, `${PACKAGES}vows/bin/vows`, "--spec"],
    ...tests.map((name) => `test/${name}-test.js`),
  ],
  cwd: `${PACKAGES}bramqp`,
  ran: /OK » (\d+) honored/g,
  tests: 16,
});

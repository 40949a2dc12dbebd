/**
 * The tests of rabbitpy, with and without a broker. Its archive of sources has them. Four are for
 * Python 2, and skip themselves.
 */

import { runSuite, variable } from "../support.ts";

await runSuite({
  command: variable("INTEROP_SUITES_PYTHON"),
  args: ["-B", "-m", "unittest", "discover", "--buffer", "--verbose", "tests"],
  cwd: `${variable("INTEROP_SUITES_SOURCES")}rabbitpy-3.0.2`,
  env: { RABBITMQ_URL: variable("AMQP_URL") },
  // without an address others would skip themselves as well
  ran: /^Ran (\d+) tests[^]*^OK \(skipped=4\)$/gm,
  tests: 369, // the four that skip themselves count as well
});

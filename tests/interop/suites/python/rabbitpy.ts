/**
 * The tests of rabbitpy that talk to a broker; its archive of sources has them. The others stay
 * away: those of `test_io` wait for a tenth of a second, which is too short on a busy machine.
 */

import { runSuite, variable } from "../support.ts";

await runSuite({
  command: variable("INTEROP_SUITES_PYTHON"),
  args: [
    ...["-B", "-m", "unittest", "--buffer", "--verbose"],
    ...["tests.test_integration", "tests.integration.test_connection"],
  ],
  cwd: `${variable("INTEROP_SUITES_SOURCES")}rabbitpy-3.0.2`,
  env: { RABBITMQ_URL: variable("AMQP_URL") },
  // without an address they would skip themselves, which is no failure
  ran: /^Ran (\d+) tests[^]*^OK$/gm,
  tests: 40,
});

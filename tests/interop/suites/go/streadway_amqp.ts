/** The tests of streadway/amqp, which amqp091-go comes from and which many programs still have. */

import { variable } from "../support.ts";
import { runGoSuite } from "./support.ts";

await runGoSuite({
  program: "streadway_amqp",
  // no broker is in it, but a certificate that has expired
  without: ["TestTLSHandshake"],
  env: { AMQP_URL: variable("AMQP_URL") },
  tests: 98,
  // each byte that is sent
  noise: /^ +(shared_test\.go:|[0-9a-f]{8} |$)/,
});

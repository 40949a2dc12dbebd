/**
 * The tests of watermill-amqp: those that Watermill has for all that carries its messages, with queues
 * and fanouts, with confirms, transactions and channels from a pool. Many publishers and subscribers
 * come and go at once, and each message has to arrive, in its order. Briefly: the long form does the
 * same more often.
 */

import { variable } from "../support.ts";
import { runGoSuite } from "./support.ts";

await runGoSuite({
  program: "watermill_amqp",
  only: "^Test",
  env: { WATERMILL_TEST_AMQP_URI: variable("AMQP_URL") },
  args: ["-test.short", "-test.parallel", "10"],
  tests: 17,
  // each step of each publisher and subscriber
  noise: /^\[watermill\] /,
});

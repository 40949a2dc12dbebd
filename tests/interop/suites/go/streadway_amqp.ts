/**
 * The tests of streadway/amqp that talk to a broker, those of its `integration_test.go`: amqp091-go
 * comes from it, and many programs still have it. The others stay away: among those with a server of
 * their own one hangs now and then, and of another the certificate has expired.
 */

import { variable } from "../support.ts";
import { runGoSuite } from "./support.ts";

const subjects = [
  ...["Integration", "Quick", "PublishEmpty", "Exchange", "Declare", "Deadlock", "RabbitMQ"],
  ...[
    "Repeated",
    "Corrupted",
    "ConsumerCancel",
    "ConcurrentChannel",
    "RoundTrip",
    "ChannelException",
  ],
  "ChannelCounter",
];

await runGoSuite({
  program: "streadway_amqp",
  only: `^Test(${subjects.join("|")})`,
  env: { AMQP_URL: variable("AMQP_URL") },
  tests: 48,
  // each byte that is sent
  noise: /^ +(shared_test\.go:|[0-9a-f]{8} |$)/,
});

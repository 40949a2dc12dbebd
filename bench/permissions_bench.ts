/**
 * What permissions cost a publisher: one that may do everything, beside one whose exchanges are limited
 * by name, and one whose routing keys are limited as well. An iteration publishes 1,000 messages of 16
 * bytes to a queue with a limit of one message, and ends when the broker has taken them.
 *
 * @module
 */
import { Broker } from "@warren/amqp";
import { check } from "./support/check.ts";

const MESSAGES = 1000;
const BODY = new Uint8Array(16);

/** Who publishes, from the one that may do most. */
const USERS = [
  { name: "everything", permissions: { configure: ".*", write: ".*", read: ".*" } },
  { name: "names", permissions: { configure: "^bench", write: "^bench", read: "^bench" } },
  {
    name: "names and routing keys",
    permissions: { configure: "^bench", write: "^bench", read: "^bench" },
    topic: { exchange: "bench", write: "^[a-z]+$", read: ".*" },
  },
] as const;

const broker = new Broker();

for (const { name, permissions, ...rest } of USERS) {
  await broker.addUser(name);
  await broker.setPermissions({ user: name, ...permissions });
  if ("topic" in rest) await broker.setTopicPermissions({ user: name, ...rest.topic });
  const connection = await broker.connect({ user: name });
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("bench", "topic");
  const arguments_ = { "x-max-length": 1 };
  const { queue } = await channel.queueDeclare("bench", { arguments: arguments_ });
  await channel.queueBind({ queue, exchange: "bench", routingKey: "#" });
  Deno.bench({
    name: `publish ${MESSAGES} messages, permitted: ${name}`,
    group: "permissions",
    baseline: name === "everything",
    async fn() {
      for (let count = 0; count < MESSAGES; count++) {
        const wait = channel.basicPublish({ exchange: "bench", routingKey: "key" }, BODY);
        if (wait !== undefined) await wait;
      }
      const { messageCount } = await channel.queueDeclare("bench", { passive: true });
      check(messageCount, 1);
    },
  });
}

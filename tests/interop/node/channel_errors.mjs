/** A soft error closes its channel alone: the connection lives, and so does the next channel. */

import assert from "node:assert/strict";
import { bytes, closingError, connect, play, unique } from "./support.mjs";

async function main() {
  const connection = await connect();
  const bystander = await connection.createChannel();
  const { queue } = await bystander.assertQueue(unique("used"), { exclusive: true });
  const nowhere = unique("nowhere");
  const noQueue = `404 (NOT-FOUND) with message "NOT_FOUND - no queue '${nowhere}' in vhost '/'"`;
  const noExchange = `404 (NOT-FOUND) with message "NOT_FOUND - no exchange '${nowhere}' in vhost`;
  const cases = [
    [(channel) => channel.publish(nowhere, "", bytes("lost")), noExchange],
    [(channel) => channel.get(nowhere), noQueue],
    [(channel) => channel.consume(nowhere, () => {}), noQueue],
    [(channel) => channel.checkQueue(nowhere), noQueue],
    [(channel) => channel.checkExchange(nowhere), noExchange],
    [(channel) => channel.bindQueue(queue, nowhere, ""), noExchange],
    [
      (channel) => channel.assertQueue("amq.mine"),
      "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
    ],
    [
      (channel) => channel.assertQueue(queue, { exclusive: true, autoDelete: true }),
      `PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '${queue}' in vhost '/': ` +
      "received 'true' but current is 'false'",
    ],
    [
      (channel) => channel.ack({ fields: { deliveryTag: 99 } }),
      "PRECONDITION_FAILED - unknown delivery tag 99",
    ],
    [
      (channel) => channel.deleteExchange("amq.topic"),
      "ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed",
    ],
  ];
  for (const [action, text] of cases) {
    const error = await closingError(await connection.createChannel(), action);
    assert.ok(error.message.includes(text), `${error.message}\nhas no ${text}`);
    bystander.sendToQueue(queue, bytes("alive"));
    assert.equal((await bystander.get(queue, { noAck: true })).content.toString(), "alive");
  }
  await connection.close();
}

await play(main);

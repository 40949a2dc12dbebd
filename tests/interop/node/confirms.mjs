/** Publisher confirms: thousands at once, and what no queue takes is returned before its ack. */

import assert from "node:assert/strict";
import { bytes, collect, connect, DURABLE, play, QUORUM, texts, unique } from "./support.mjs";

const COUNT = 3000;

async function main() {
  const connection = await connect();
  for (const options of [DURABLE, QUORUM]) {
    await confirmMany(connection, options);
  }
  await returnBeforeAck(connection);
  await dropSilently(connection);
  await connection.close();
}

async function confirmMany(connection, options) {
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue(unique("orders"), options);
  const bodies = Array.from({ length: COUNT }, (_, number) => `order ${number}`);
  let confirmed = 0;
  for (const body of bodies) {
    channel.sendToQueue(queue, bytes(body), { persistent: true }, (error) => {
      assert.equal(error, null);
      confirmed += 1;
    });
  }
  await channel.waitForConfirms();
  assert.equal(confirmed, COUNT);
  assert.deepEqual(texts(await collect(channel, queue, COUNT, { noAck: true })), bodies);
  await channel.deleteQueue(queue);
  await channel.close();
}

async function returnBeforeAck(connection) {
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const missing = unique("nobody");
  const seen = [];
  channel.on("return", ({ fields, properties, content }) => {
    assert.deepEqual(
      [fields.replyCode, fields.replyText, fields.exchange, fields.routingKey],
      [312, "NO_ROUTE", "", missing],
    );
    assert.equal(properties.messageId, "42");
    seen.push(`return ${content}`);
  });
  for (const key of [missing, queue]) {
    await new Promise((resolve) => {
      const options = { mandatory: true, messageId: "42" };
      channel.sendToQueue(key, bytes("message"), options, (error) => {
        assert.equal(error, null);
        seen.push("ack");
        resolve();
      });
    });
  }
  assert.deepEqual(seen, ["return message", "ack", "ack"]);
  await channel.close();
}

async function dropSilently(connection) {
  const channel = await connection.createConfirmChannel();
  const { exchange } = await channel.assertExchange(unique("logs"), "fanout", { durable: false });
  channel.on("return", () => assert.fail("returned though not mandatory"));
  channel.publish(exchange, "", bytes("lost"));
  await channel.waitForConfirms();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, exchange, "");
  assert.equal(await channel.get(queue), false);
  await channel.deleteExchange(exchange);
}

await play(main);

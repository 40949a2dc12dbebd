/** A broker that ends and comes back: what was declared is declared anew, and calls are answered. */

import assert from "node:assert/strict";
import { connect, controlBroker, Inbox, ready, unique } from "./support.mjs";

async function main() {
  const connection = connect();
  const exchange = unique("events");
  const queue = unique("kept");
  const inbox = new Inbox();
  const declared = { exchange, type: "fanout", durable: true };
  const kept = connection.createConsumer({
    queue,
    queueOptions: { queue, durable: true },
    exchanges: [declared],
    queueBindings: [{ exchange, queue }],
  }, ({ body }) => inbox.push(body));
  const passing = connection.createConsumer({
    queueOptions: { exclusive: true }, // named by the broker, and gone with the connection
    exchanges: [declared],
    queueBindings: [{ exchange }],
  }, ({ body }) => inbox.push(`passing ${body}`));
  const rpc = unique("rpc");
  const server = connection.createConsumer(
    { queue: rpc, queueOptions: { queue: rpc, exclusive: true } },
    async ({ body }, reply) => await reply(`${body}!`),
  );
  const consumers = [kept, passing, server];
  // each tells of the connection that was lost, and goes on
  for (const consumer of consumers) consumer.on("error", () => {});
  await Promise.all(consumers.map(ready));

  const publisher = connection.createPublisher({ confirm: true, maxAttempts: 100 });
  const client = connection.createRPCClient({ confirm: true, maxAttempts: 100, timeout: 60_000 });
  const publish = (body) => publisher.send({ exchange, durable: true }, body);
  const arrival = (...bodies) =>
    inbox.until((items) => bodies.every((body) => items.includes(body)), bodies.join());

  for (const action of ["restart", "kill"]) {
    const nameBefore = passing.queue;
    await publish(`before ${action}`);
    await arrival(`before ${action}`, `passing before ${action}`);
    const readyAgain = Promise.all(consumers.map(ready));
    const restarted = controlBroker(action);
    await new Promise((resolve) => connection.once("error", resolve));
    // published while the broker is away, and tried until it is back
    const published = publish(`during ${action}`);
    await Promise.all([restarted, readyAgain, published]);
    await publish(`after ${action}`);
    await arrival(`during ${action}`, `after ${action}`, `passing after ${action}`);
    assert.notEqual(passing.queue, nameBefore);
    assert.equal((await client.send(rpc, action)).body, `${action}!`);
  }

  await Promise.all(consumers.map((consumer) => consumer.close()));
  await client.close();
  await publisher.close();
  await connection.queueDelete(queue);
  await connection.exchangeDelete({ exchange });
  await connection.close();
}

await main();

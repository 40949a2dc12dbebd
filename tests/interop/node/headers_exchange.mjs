/** A headers exchange looks at the table of headers and not at the routing key. */

import assert from "node:assert/strict";
import { bytes, connect, drain, play, texts, unique } from "./support.mjs";

/** Arguments of a binding, and which of MESSAGES match. */
const BINDINGS = [
  [{ "x-match": "all", format: "pdf", type: "report" }, ["report"]],
  [{ "x-match": "any", format: "pdf", type: "log" }, ["report", "letter", "log"]],
  [{ format: "pdf" }, ["report", "letter"]],
  [{ "x-match": "all", pages: 3 }, ["report"]],
  [{ "x-match": "all", signed: true }, ["letter"]],
  [{ "x-match": "any", format: "text", signed: true }, ["letter", "log"]],
];

const MESSAGES = {
  report: { format: "pdf", type: "report", pages: 3 },
  letter: { format: "pdf", type: "letter", pages: 1, signed: true },
  log: { format: "text", type: "log" },
  plain: {},
};

async function main() {
  const connection = await connect();
  const channel = await connection.createChannel();
  const options = { durable: false };
  const { exchange } = await channel.assertExchange(unique("documents"), "headers", options);
  const queues = [];
  for (const [args] of BINDINGS) {
    const { queue } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(queue, exchange, "ignored", args);
    queues.push(queue);
  }
  for (const [name, headers] of Object.entries(MESSAGES)) {
    channel.publish(exchange, "", bytes(name), { headers });
  }
  for (const [index, [args, names]] of BINDINGS.entries()) {
    const received = texts(await drain(channel, queues[index]));
    assert.deepEqual(received, names, JSON.stringify(args));
  }
  await channel.deleteExchange(exchange);
  await connection.close();
}

await play(main);

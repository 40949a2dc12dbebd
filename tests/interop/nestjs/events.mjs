/** Events: to handlers by wildcards on a topic exchange, acked by hand, refused and dead-lettered. */

import assert from "node:assert/strict";
import { client, EventPattern, Inbox, serve, tell, unique } from "./support.mjs";

const exchange = unique("shop");
const inbox = new Inbox();

/** Tells what came, and acks it. */
function note(name) {
  return (data, context) => {
    inbox.push([name, data, context.getPattern()]);
    context.getChannelRef().ack(context.getMessage());
  };
}

const topic = { exchange, exchangeType: "topic", wildcards: true, noAck: false };
const orders = await serve({
  created: [EventPattern("order.created"), note("created")],
  any: [EventPattern("order.*"), note("any")],
}, { ...topic, queue: unique("orders"), queueOptions: { durable: true } });
const audit = await serve({
  all: [EventPattern("#"), note("audit")],
}, { ...topic, queue: unique("audit"), queueOptions: { durable: false } });

const proxy = client({ exchange, exchangeType: "topic", wildcards: true, persistent: true });
for (const pattern of ["order.created", "order.paid", "order.paid.late", "stock.low"]) {
  await tell(proxy, pattern, { at: pattern });
}
const seen = await inbox.until((items) => items.length === 6, "events");
assert.deepEqual(seen.map(([name, { at }, pattern]) => `${name} ${at} ${pattern}`).sort(), [
  "any order.paid order.paid",
  "audit order.created order.created",
  "audit order.paid order.paid",
  "audit order.paid.late order.paid.late",
  "audit stock.low stock.low",
  "created order.created order.created",
]);
await proxy.close();
await orders.close();
await audit.close();

// what is refused goes to another microservice by way of a dead-letter exchange
const dead = unique("dead");
const poor = unique("poor");
const graves = await serve({
  order: [EventPattern("order"), note("buried")],
}, { queue: dead, queueOptions: { durable: true }, noAck: false });
const deadLetters = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead };
const queueOptions = { durable: true, arguments: deadLetters };
const picky = await serve({
  order: [EventPattern("order"), (_, context) => {
    context.getChannelRef().nack(context.getMessage(), false, false);
  }],
}, { queue: poor, queueOptions, noAck: false });
const sender = client({ queue: poor, queueOptions });
await tell(sender, "order", { id: 7 });
await tell(sender, "unknown", { id: 8 }); // which the framework refuses, here and there
await inbox.until((items) => items.length === 7, "the dead letter");
assert.deepEqual(inbox.items.at(-1), ["buried", { id: 7 }, "order"]);
await sender.close();
await picky.close();
await graves.close();

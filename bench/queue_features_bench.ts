/**
 * What the features of a queue cost: messages with a time to live, dead letters, priorities. An
 * iteration takes 1,000 messages of 16 bytes and leaves nothing behind. The baselines are a queue
 * without the feature.
 *
 * @module
 */
import { type Clock, systemClock } from "../broker/amqp/clock.ts";
import { Content } from "../broker/amqp/content.ts";
import { encodeContentHead } from "../broker/amqp/content_codec.ts";
import type { FieldTable } from "../broker/amqp/field_table.ts";
import { Message } from "../broker/message.ts";
import { PagePool } from "../broker/pages.ts";
import type { MessageQueue } from "../broker/queue/message_queue.ts";
import { VirtualHost } from "../broker/vhost/vhost.ts";
import { vhostParts } from "../tests/vhost/support.ts";
import { check } from "./support/check.ts";

const MESSAGES = 1000;
const BODY_SIZE = 16;
const LEVELS = 10;

/** Time that goes on when the bench says so; timers never go off by themselves. */
const time = { now: 1_000_000, due: [] as (() => void)[] };
const clock: Clock = {
  ...systemClock,
  now: () => time.now,
  elapsed: () => time.now,
  after(_, callback) {
    time.due.push(callback);
    return () => {
      time.due = time.due.filter((other) => other !== callback);
    };
  },
};
const owner = {};
const pages = new PagePool();
const vhost = new VirtualHost("/", vhostParts(clock, pages, { log: () => {} }));
/** As a link brings them: encoded. */
const contents = Array.from({ length: LEVELS }, (_, priority) => {
  const content = new Content();
  content.properties = { priority, headers: { attempt: 1, source: "bench" } };
  content.body = new Uint8Array(BODY_SIZE);
  content.bodyEnd = BODY_SIZE;
  return content;
});

const plain = addQueue("plain");
bench("through", "push and take, no features", true, () => drain(fill(plain)));
const mortal = addQueue("mortal", { "x-message-ttl": 60_000 });
bench("through", "push and take, with a time to live", false, () => drain(fill(mortal)));
const limited = addQueue("limited", { "x-max-length": 1_000_000 });
bench("through", "push and take, with a limit that is not reached", false, () => {
  drain(fill(limited));
});
const levels = addQueue("levels", { "x-max-priority": LEVELS });
bench("through", `push and take, ${LEVELS} priorities`, false, () => drain(fill(levels)));
const manyLevels = addQueue("many levels", { "x-max-priority": 255 });
bench("through", `push and take, ${LEVELS} of 255 priorities`, false, () => {
  drain(fill(manyLevels));
});

const settled = addQueue("settled");
bench("dying", "take and settle", true, () => drain(fill(settled)));
const expiring = addQueue("expiring", { "x-message-ttl": 10 });
bench("dying", "expire into nothing", false, () => {
  fill(expiring);
  pass(10);
  check(expiring.messageCount, 0);
});
const dropping = addQueue("dropping", { "x-max-length": 0 });
bench("dying", "be dropped at the head", false, () => {
  fill(dropping);
  check(dropping.messageCount, 0);
});
const dead = addQueue("dead");
const to = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
const rejecting = addQueue("rejecting", to);
bench("dying", "be rejected, dead-lettered and taken", false, () => {
  fill(rejecting);
  for (let entry = rejecting.take(); entry !== undefined; entry = rejecting.take()) {
    rejecting.reject(entry);
  }
  drain(dead);
});
const lettering = addQueue("lettering", { "x-message-ttl": 10, ...to });
bench("dying", "expire, be dead-lettered and taken", false, () => {
  fill(lettering);
  pass(10);
  drain(dead);
});

function bench(group: string, name: string, baseline: boolean, fn: () => void): void {
  Deno.bench({ group, name, baseline, fn });
}

function addQueue(name: string, arguments_: FieldTable = {}): MessageQueue {
  const declared = { passive: false, durable: false, exclusive: false, autoDelete: false };
  return vhost.declareQueue(name, { ...declared, arguments: arguments_ }, owner);
}

function fill(queue: MessageQueue): MessageQueue {
  for (let count = 0; count < MESSAGES; count++) {
    const content = contents[count % LEVELS]!;
    if (content.routingKey !== queue.name) {
      content.head = undefined;
      content.routingKey = queue.name;
      encodeContentHead(content);
    }
    vhost.publish(new Message(content));
  }
  return queue;
}

function drain(queue: MessageQueue): void {
  let bytes = 0;
  for (let entry = queue.take(); entry !== undefined; entry = queue.take()) {
    bytes += entry.message.size;
    queue.settle(entry);
  }
  check(bytes, MESSAGES * BODY_SIZE);
}

function pass(ms: number): void {
  time.now += ms;
  while (time.due.length > 0) time.due.splice(0).forEach((callback) => callback());
}

import {
  basicConsume,
  basicPublish,
  confirmSelect,
  exchangeDeclare,
  type Method,
  queueBind,
  queueDeclare,
  queueDelete,
  queuePurge,
} from "../../broker/amqp/methods/mod.ts";
import { concat } from "@std/bytes";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import { BLIND_LOGIN, dial, logIn, pause, publishFrames, send } from "./client.ts";
import { type Attack, HOLD_MS, numbersOf } from "./terms.ts";

/**
 * By messages: those that nobody reads, very large ones, and those that become more.
 *
 * @module
 */

/** So much of what waits for a reader the two kernels and the broker hold between them, at most. */
const TAKEN_MIB_MAX = 12;

/** So long dead letters multiply for each queue that takes part, in milliseconds, ... */
const DEATHS_MS = 500;
/** ... and so many of them there are at least, ... */
const DEATHS_MIN = 50;
/** ... if need be in so many times as long, on a machine that is busy with other things. */
const SLOW = 20;

export const SLEEPING_READER: Attack = {
  name: "a reader that never reads, MiB for it",
  full: 1024,
  small: 24,
  growthMax: 600,
  onDisk: true,
  async run({ port }, count) {
    const sleeper = await dial(port);
    const queue = "asleep";
    const peer = await logIn(port);
    await peer.send(1, queueDeclare({ queue }));
    await peer.expect(1, "queue.declare-ok");
    await peer.send(1, confirmSelect());
    await peer.expect(1, "confirm.select-ok");
    const consume = methodFrame(1, basicConsume({ queue, noAck: true }));
    await send(sleeper, concat([...BLIND_LOGIN, consume]));
    const message = concat(publishFrames(queue, new Uint8Array(1024 * 1024)));
    for (let sent = 0; sent < count; sent++) {
      await peer.sendBytes(message);
      await confirmed(peer, sent + 1);
    }
    await pause(Math.min(HOLD_MS, count * 10));
    await peer.send(1, queueDelete({ queue }));
    const { messageCount } = await peer.expect(1, "queue.delete-ok");
    sleeper.close();
    peer.close();
    return `${messageCount} of ${count} MiB still queued`;
  },
  accept(saw, count) {
    const [queued, all] = numbersOf(saw, /^(\d+) of (\d+) MiB still queued$/);
    return all === count && queued! <= count && queued! >= count - TAKEN_MIB_MAX;
  },
};

export const LARGE_BODIES: Attack = {
  name: "a publisher of 128 MiB bodies",
  full: 16,
  small: 1,
  growthMax: 800,
  async run({ port }, count) {
    const peer = await logIn(port);
    const queue = "large";
    await peer.send(1, queueDeclare({ queue, arguments: { "x-max-length": 1 } }));
    await peer.expect(1, "queue.declare-ok");
    await peer.send(1, confirmSelect());
    await peer.expect(1, "confirm.select-ok");
    const frames = publishFrames(queue, new Uint8Array(128 * 1024 * 1024));
    for (let sent = 0; sent < count; sent++) {
      for (const part of frames) await peer.sendBytes(part);
      await confirmed(peer, sent + 1);
    }
    await peer.send(1, queueDelete({ queue }));
    await peer.expect(1, "queue.delete-ok");
    peer.close();
    return `${count} confirmed`;
  },
  accept: (saw, count) => saw === `${count} confirmed`,
};

export const MULTIPLIED_DEATHS: Attack = {
  name: "dead letters that multiply among full queues",
  full: 12,
  small: 5,
  growthMax: 400,
  // of as many deaths as there are ways through the queues, only these few are waited for
  async run({ port }, count) {
    const peer = await logIn(port);
    const [exchange, sink] = ["everywhere", "sink"];
    await peer.send(1, exchangeDeclare({ exchange, type: "fanout" }));
    await peer.expect(1, "exchange.declare-ok");
    const full = Array.from({ length: count }, (_, index) => `full.${index}`);
    for (const [index, queue] of [sink, ...full].entries()) {
      const arguments_ = queue === sink ? {} : {
        // in one way or the other
        ...index % 2 === 0 ? { "x-message-ttl": 1 } : { "x-max-length": 1 },
        "x-dead-letter-exchange": exchange,
      };
      await peer.send(1, queueDeclare({ queue, arguments: arguments_ }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, queueBind({ queue, exchange }));
      await peer.expect(1, "queue.bind-ok");
    }
    for (let sent = 0; sent < 2; sent++) {
      const method = basicPublish({ exchange });
      const content = { exchange, body: new Uint8Array(16) };
      for (const part of contentFrames(1, method, content, 131_072)) await peer.sendBytes(part);
    }
    let deaths = 0;
    const began = performance.now();
    const patienceMs = () => count * DEATHS_MS * (deaths < count * DEATHS_MIN ? SLOW : 1);
    while (performance.now() - began < patienceMs()) {
      await peer.send(1, queuePurge({ queue: sink }));
      deaths += (await peer.expect(1, "queue.purge-ok")).messageCount;
      await pause(20);
    }
    for (const queue of [...full, sink]) {
      await peer.send(1, queueDelete({ queue }));
      await peer.expect(1, "queue.delete-ok");
    }
    peer.close();
    return `${deaths} deaths in ${count} queues`;
  },
  accept(saw, count) {
    const [deaths, queues] = numbersOf(saw, /^(\d+) deaths in (\d+) queues$/);
    return queues === count && deaths! >= count * DEATHS_MIN;
  },
};

/** Waits until so many publishes are confirmed; whatever else comes is not looked at. */
async function confirmed(
  peer: { next(): Promise<{ readonly method: Method } | undefined> },
  count: number,
): Promise<void> {
  while (true) {
    const method = (await peer.next())?.method;
    if (method === undefined) throw new Error("Cannot go on: the connection has ended");
    if (method.name === "basic.ack" && method.deliveryTag >= count) return;
  }
}

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import {
  basicConsume,
  basicPublish,
  type Method,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { type ServedBroker, settle } from "./support.ts";

/** What tests of long work share, which is to be done in slices. */

/** No turn deals with so many channels, consumers, queues or bindings. */
const A_TURN = 1000;
/** Nor so many messages, of which each is less. */
export const A_TURN_OF_MESSAGES = 9000;
/** More messages than are dealt with in one turn. */
export const MANY_MESSAGES = 12_000;

declare function setImmediate(callback: () => void): void;

export function loopRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Sends many methods, of which the last one has an answer. */
export async function sendAll(
  peer: RawPeer,
  methods: readonly (readonly [number, Method])[],
): Promise<void> {
  await peer.sendBytes(concat(methods.map(([channel, method]) => methodFrame(channel, method))));
}

export async function declare(
  peer: RawPeer,
  options: Parameters<typeof queueDeclare>[0],
): Promise<void> {
  await peer.send(1, queueDeclare(options));
  await peer.expect(1, "queue.declare-ok");
}

/** Has a queue keep messages that are their own numbers, from 1. */
export async function fill(served: ServedBroker, queue: string, count: number): Promise<void> {
  const peer = await served.login();
  const messages = Array.from(
    { length: count },
    (_, at) => concat(contentFrames(1, basicPublish({ routingKey: queue }), { body: `${at + 1}` })),
  );
  for (let at = 0; at < count; at += 1000) {
    await peer.sendBytes(concat(messages.slice(at, at + 1000)));
  }
  while (countOf(served, queue).ready < count) await settle();
}

export function countOf(served: ServedBroker, queue: string): { ready: number; unacked: number } {
  for (const { name, messagesReady, messagesUnacknowledged } of served.broker.queues()) {
    if (name === queue) return { ready: messagesReady, unacked: messagesUnacknowledged };
  }
  throw new Error(`Cannot find queue ${queue}`);
}

/** Takes the numbers of messages as they come. */
export async function take(
  peer: RawPeer,
  count: number,
): Promise<{ numbers: number[]; again: number }> {
  const numbers: number[] = [];
  let again = 0;
  while (numbers.length < count) {
    const { text, redelivered } = await peer.expectContent(1, "basic.deliver");
    numbers.push(Number(text));
    if (redelivered) again++;
  }
  return { numbers, again };
}

/** A client that has logged in, and declared a queue `q` that is full. */
export async function withFullQueue(
  served: ServedBroker,
  queueArguments: FieldTable = {},
): Promise<RawPeer> {
  const peer = await served.login();
  await declare(peer, { queue: "q", arguments: queueArguments });
  await fill(served, "q", MANY_MESSAGES);
  return peer;
}

/** The same when it has got all messages, by a consumer `a`, and acked none of them. */
export async function withUnacked(
  served: ServedBroker,
  queueArguments: FieldTable = {},
): Promise<RawPeer> {
  const peer = await withFullQueue(served, queueArguments);
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "a", noWait: true }));
  assertEquals((await take(peer, MANY_MESSAGES)).numbers, upTo(MANY_MESSAGES));
  return peer;
}

export const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

/** Watches how much is left of something, turn by turn, until nothing is. */
export async function watch(left: () => number): Promise<number[]> {
  const seen = [left()];
  for (let last = seen[0]!; last > 0; await loopRound()) {
    last = left();
    if (last !== seen.at(-1)) seen.push(last);
  }
  return seen;
}

/**
 * Watches how many of a queue's messages have not come back yet, turn by turn, until all have or others
 * go out again: no turn brings too many.
 *
 * @param all How many come back.
 * @param between What is done when the first have: what comes back meanwhile is not looked at.
 */
export async function watchReturn(
  served: ServedBroker,
  all: number,
  between: () => Promise<void>,
): Promise<void> {
  const left = () => all - countOf(served, "q").ready;
  while (left() === all) await loopRound();
  assertLess(all - left(), A_TURN_OF_MESSAGES);
  await between();
  for (let last = left(); last > 0;) {
    await loopRound();
    const now = left();
    if (now > last) break;
    assertLess(last - now, A_TURN_OF_MESSAGES);
    last = now;
  }
}

/** It took several turns, and none of them did too much. The first may be over before anybody looks. */
export function assertSliced(seen: readonly number[], aTurn = A_TURN): void {
  assertGreater(seen.length, 2, `${seen}`);
  for (let at = 1; at < seen.length; at++) assertLess(seen[at - 1]! - seen[at]!, aTurn, `${seen}`);
}

/** What the amqplib programs share: where the broker is, fresh names, workers, collecting. */

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";

/** The library. It is installed away from here, so that nothing else in the project sees it. */
export const amqp = createRequire(process.env.INTEROP_NODE_PACKAGES)("amqplib");

/** The queues of the tutorials, as they were and as they are today. */
export const CLASSIC = { durable: false };
export const DURABLE = { durable: true };
export const QUORUM = { durable: true, arguments: { "x-queue-type": "quorum" } };

/** Connects as guest; the first options are the protocol's, the others the library's. */
export function connect(options = {}, libraryOptions = {}) {
  const port = Number(process.env.AMQP_PORT);
  return amqp.connect({ hostname: "127.0.0.1", port, ...options }, libraryOptions);
}

/** A name that no other run uses. */
export function unique(name) {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** Consumes so many messages and no more. */
export async function collect(channel, queue, count, options = {}) {
  const messages = [];
  const { promise, resolve } = withResolvers();
  const { consumerTag } = await channel.consume(queue, (message) => {
    messages.push(message);
    if (messages.length === count) resolve();
  }, options);
  await promise;
  await channel.cancel(consumerTag);
  return messages;
}

/** Gets until the queue is empty. */
export async function drain(channel, queue) {
  const messages = [];
  while (true) {
    const message = await channel.get(queue, { noAck: true });
    if (message === false) return messages;
    messages.push(message);
  }
}

/** The bodies as text. */
export function texts(messages) {
  return messages.map(({ content }) => content.toString());
}

/** A body of text. */
export function bytes(text) {
  return Buffer.from(text);
}

/** Does what must close the channel, and gives the error with which the broker did. */
export async function closingError(channel, action) {
  const error = once(channel, "error");
  const closed = new Promise((resolve) => channel.once("close", resolve));
  await Promise.resolve(action(channel)).catch(() => {});
  const [cause] = await error;
  await closed;
  return cause;
}

/** A promise and what settles it. */
export function withResolvers() {
  let resolve;
  let reject;
  const promise = new Promise((...callbacks) => [resolve, reject] = callbacks);
  return { promise, resolve, reject };
}

/** This program again, in a process of its own and in another role. */
export class Worker {
  #process;
  #lines;

  constructor(role, ...args) {
    this.#process = spawn(process.execPath, [process.argv[1], role, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    // it would outlive a program that fails
    process.once("exit", () => this.#process.kill("SIGKILL"));
    const lines = createInterface({ input: this.#process.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The next line that it prints. */
  async line() {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("The worker has ended");
    return value;
  }

  /** So many of them. */
  async lines(count) {
    const lines = [];
    for (let index = 0; index < count; index++) lines.push(await this.line());
    return lines;
  }

  /** Ends it at once, with no chance to close anything. */
  async kill() {
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }
}

/** Prints a line for the parent to read. */
export function say(line) {
  process.stdout.write(`${line}\n`);
}

/** Plays the role that the command line names; the main one when it names none. */
export async function play(main, roles = {}) {
  const [role, ...args] = process.argv.slice(2);
  await (role === undefined ? main() : roles[role](...args));
}

import { assertEquals, assertGreater } from "@std/assert";
import { concat } from "@std/bytes";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import {
  basicAck,
  basicCancel,
  basicConsume,
  basicGet,
  basicNack,
  basicPublish,
  basicQos,
  basicRecover,
  basicReject,
  channelClose,
  channelCloseOk,
  channelOpen,
  type Method,
  queueDelete,
  txCommit,
  txRollback,
  txSelect,
} from "../../broker/amqp/methods/mod.ts";
import { contentFrames } from "../amqp/frames.ts";
import { RandomValues } from "../amqp/random_values.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { declare } from "./long_work.ts";
import { ServedBroker, settle } from "./support.ts";

/** Clients that do whatever they may, so that a consumer waits for one thing or another. In the end they read and
 * ack all: nothing is left where somebody consumes. */

const STEPS = 250;
const QUEUES: Readonly<Record<string, FieldTable>> = {
  classic: {},
  priorities: { "x-max-priority": 3 },
  single: { "x-single-active-consumer": true },
  quorum: { "x-queue-type": "quorum" },
  both: { "x-queue-type": "quorum", "x-single-active-consumer": true },
  stream: { "x-queue-type": "stream" },
};
const NAMES = Object.keys(QUEUES);
const NO_STREAMS = NAMES.slice(0, 5);
/** A limit of the whole channel is not for others. */
const CLASSIC = NAMES.slice(0, 3);

interface ModelConsumer {
  readonly queue: string;
  readonly limit: number;
  readonly noAck: boolean;
  last: number;
}

class ModelChannel {
  open = false;
  /** It waits for an answer. */
  busy = false;
  transacts = false;
  limit = 0;
  hasGlobalLimit = false;
  /** The limits for all of its consumers that were asked for and not answered, */
  readonly askedLimits: number[] = [];
  /** and the one that is. */
  globalLimit = 0;
  /** Deliveries by tag: whose they are. */
  unacked = new Map<number, string>();
  /** Those that were settled in a transaction. */
  held = new Map<number, string>();
  consumers = new Map<string, ModelConsumer>();
}

class ModelClient {
  readonly channels = new Map<number, ModelChannel>();
  readonly problems: string[] = [];
  pause: PromiseWithResolvers<void> | undefined;
  readonly #peer: RawPeer;

  constructor(peer: RawPeer) {
    this.#peer = peer;
    for (const number of [1, 2, 3]) this.channels.set(number, new ModelChannel());
    this.channels.get(1)!.open = true;
  }

  async read(): Promise<void> {
    for (;;) {
      await this.pause?.promise;
      const next = await this.#peer.next();
      if (next === undefined) return;
      this.#take(next.channel, next.method, next.text);
    }
  }

  close(): void {
    this.#peer.close();
  }

  send(channel: number, method: Method): Promise<void> {
    return this.#peer.send(channel, method);
  }

  #take(number: number, method: Method, text: string): void {
    const channel = this.channels.get(number);
    if (channel === undefined) return void this.problems.push(JSON.stringify(method));
    if (method.name === "basic.deliver") return this.#deliver(channel, method, Number(text));
    if (method.name === "basic.cancel") return void channel.consumers.delete(method.consumerTag);
    if (method.name === "basic.qos-ok") {
      channel.globalLimit = channel.askedLimits.shift()!;
      return;
    }
    if (method.name === "basic.get-ok") channel.unacked.set(method.deliveryTag, "");
    if (method.name === "basic.recover-ok") channel.unacked.clear();
    if (method.name === "tx.rollback-ok") {
      channel.unacked = new Map([...channel.unacked, ...channel.held].sort(([a], [b]) => a - b));
    }
    if (/^tx/.test(method.name)) channel.held.clear();
    channel.busy = false;
    if (!method.name.startsWith("channel.")) return;
    const fresh = new ModelChannel();
    fresh.open = method.name === "channel.open-ok";
    this.channels.set(number, fresh);
    if (method.name === "channel.close") void this.send(number, channelCloseOk());
  }

  #deliver(
    { consumers, unacked, held, transacts, busy, globalLimit }: ModelChannel,
    { consumerTag, deliveryTag }: Extract<Method, { name: "basic.deliver" }>,
    number: number,
  ): void {
    const isSettling = transacts && busy;
    if (consumerTag.startsWith("no-ack")) {
      const taken = [...unacked.values(), ...held.values()].filter((tag) => tag !== "").length;
      if (globalLimit > 0 && taken >= globalLimit && !isSettling) {
        this.problems.push(`${consumerTag}: ${taken} of ${globalLimit} are taken`);
      }
      return;
    }
    unacked.set(deliveryTag, consumerTag);
    const consumer = consumers.get(consumerTag);
    if (consumer === undefined) return;
    const { queue, limit, last } = consumer;
    const has = [...unacked.values(), ...held.values()].filter((tag) => tag === consumerTag).length;
    if (limit > 0 && has > limit && !isSettling) this.problems.push(`${has} are not ${limit}`);
    if (queue !== "stream") return;
    if (last >= 0 && number !== last + 1) this.problems.push(`${number} comes after ${last}`);
    consumer.last = number;
  }
}

class WaitingModel {
  readonly #random: RandomValues;
  readonly #published = new Map(NAMES.map((name) => [name, 0]));
  #tags = 0;

  constructor(seed: number) {
    this.#random = new RandomValues(seed);
  }

  /** Returns how many consumers there were in the end. */
  async run(): Promise<number> {
    const random = this.#random;
    await using served = await ServedBroker.start({
      outgoingBufferMax: 4096,
      ...random.boolean() && { unackedBytesMaxPerChannel: 5000 },
    });
    const admin = await served.login();
    for (const queue of NAMES) await this.#declare(admin, queue);
    const clients = [new ModelClient(await served.login()), new ModelClient(await served.login())];
    const reading = clients.map((client) => client.read());
    for (let step = 0; step < STEPS; step++) {
      if (random.below(4) === 0) await this.#administer(admin);
      else await this.#act(random.pick(clients), 1 + random.below(3));
      if (random.below(15) === 0) await settle();
    }
    await this.#takeAll(clients);
    const consumed = this.#check(served, clients);
    for (const client of clients) client.close();
    await Promise.all(reading);
    return consumed;
  }

  #declare(admin: RawPeer, queue: string): Promise<void> {
    return declare(admin, { queue, durable: true, arguments: QUEUES[queue]! });
  }

  async #administer(admin: RawPeer): Promise<void> {
    const random = this.#random;
    if (random.below(15) === 0) {
      const queue = random.pick(NO_STREAMS);
      await admin.send(1, queueDelete({ queue }));
      await admin.expect(1, "queue.delete-ok");
      return this.#declare(admin, queue);
    }
    const routingKey = random.pick(NAMES);
    const first = this.#published.get(routingKey)!;
    const count = 1 + random.below(8);
    this.#published.set(routingKey, first + count);
    const messages = Array.from({ length: count }, (_, at) => {
      const body = `${first + at}`.padEnd(random.pick([10, 100, 1500, 3000]));
      return concat(contentFrames(1, basicPublish({ routingKey }), { body }));
    });
    await admin.sendBytes(concat(messages));
  }

  async #act(client: ModelClient, number: number): Promise<void> {
    const random = this.#random;
    const channel = client.channels.get(number)!;
    const send = (method: Method) => client.send(number, method);
    const ask = (method: Method) => {
      channel.busy = true;
      return send(method);
    };
    const what = random.below(30);
    if (what < 2) {
      client.pause?.resolve();
      client.pause = client.pause === undefined ? Promise.withResolvers() : undefined;
    } else if (channel.busy) return;
    else if (!channel.open) await ask(channelOpen());
    else if (what < 9) await this.#consume(client, number, channel);
    else if (what === 9) {
      const [consumerTag] = channel.consumers.keys();
      if (consumerTag === undefined) return;
      channel.consumers.delete(consumerTag);
      await send(basicCancel({ consumerTag, noWait: true }));
    } else if (what < 12) {
      const prefetchCount = random.below(4);
      const global = random.boolean();
      channel.hasGlobalLimit = global && prefetchCount > 0;
      channel.askedLimits.push(global ? prefetchCount : 0);
      if (!global) channel.limit = prefetchCount;
      await send(basicQos({ prefetchCount, global }));
    } else if (what === 12) await ask(basicGet({ queue: random.pick(NO_STREAMS) }));
    else if (what === 13 && channel.held.size === 0) await ask(basicRecover({ requeue: true }));
    else if (what === 14 && random.below(4) === 0) {
      await ask(channelClose({ replyCode: 200, replyText: "", classId: 0, methodId: 0 }));
    } else if (what === 15 && random.below(4) === 0 && !channel.transacts) {
      channel.transacts = true;
      await ask(txSelect());
    } else if (what < 18 && channel.transacts) {
      await ask(random.boolean() ? txCommit() : txRollback());
    } else if (channel.unacked.size > 0) await this.#settle(channel, send);
  }

  async #consume(client: ModelClient, number: number, channel: ModelChannel): Promise<void> {
    const random = this.#random;
    const queue = random.pick(channel.hasGlobalLimit ? CLASSIC : NAMES);
    const isStream = queue === "stream";
    const noAck = !isStream && random.below(4) === 0;
    const consumerTag = `${noAck ? "no-ack" : "ack"} ${++this.#tags}`;
    if (isStream) {
      channel.limit = 1 + random.below(5);
      channel.askedLimits.push(0);
      await client.send(number, basicQos({ prefetchCount: channel.limit }));
    }
    channel.consumers.set(consumerTag, { queue, noAck, limit: channel.limit, last: -1 });
    const arguments_: FieldTable = isStream
      ? { "x-stream-offset": random.pick(["first", "next", "last", 5n, 40n]) }
      : { "x-priority": random.below(3) };
    // who comes too late has his channel closed
    const exclusive = !isStream && random.below(50) === 0;
    await client.send(
      number,
      basicConsume({ queue, consumerTag, noAck, noWait: true, exclusive, arguments: arguments_ }),
    );
  }

  async #settle(channel: ModelChannel, send: (method: Method) => Promise<void>): Promise<void> {
    const random = this.#random;
    const { unacked, held, transacts } = channel;
    const deliveryTag = random.pick([...unacked.keys()]);
    const requeue = random.boolean();
    const how = random.below(6);
    const multiple = how > 0 && random.below(3) === 0;
    for (const [tag, consumer] of [...unacked]) {
      if (tag !== deliveryTag && !(multiple && tag < deliveryTag)) continue;
      unacked.delete(tag);
      if (transacts) held.set(tag, consumer);
    }
    if (how === 0) await send(basicReject({ deliveryTag, requeue }));
    else if (how === 1) await send(basicNack({ deliveryTag, multiple, requeue }));
    else await send(basicAck({ deliveryTag, multiple }));
  }

  async #takeAll(clients: readonly ModelClient[]): Promise<void> {
    // each makes room in its own way
    const last = this.#random.boolean()
      ? (deliveryTag: number) => basicAck({ deliveryTag })
      : (deliveryTag: number) => basicReject({ deliveryTag, requeue: false });
    for (const client of clients) {
      client.pause?.resolve();
      client.pause = undefined;
    }
    for (let idle = 0; idle < 4;) {
      await settle();
      idle++;
      for (const client of clients) {
        for (const [number, channel] of client.channels) {
          const { open, busy, unacked, held } = channel;
          if (!open || busy || unacked.size + held.size === 0) continue;
          idle = 0;
          channel.busy = channel.transacts;
          const tags = [...unacked.keys()];
          unacked.clear();
          for (const deliveryTag of tags) await client.send(number, last(deliveryTag));
          if (channel.transacts) await client.send(number, txCommit());
        }
      }
    }
  }

  #check(served: ServedBroker, clients: readonly ModelClient[]): number {
    const problems = clients.flatMap((client) => client.problems);
    let consumed = 0;
    for (
      const { name, messagesReady, messagesUnacknowledged, consumers } of served.broker.queues()
    ) {
      if (consumers === 0) continue;
      consumed += consumers;
      const left = name === "stream" ? messagesUnacknowledged : messagesReady;
      if (left > 0) problems.push(`${left} are left in ${name}`);
    }
    const end = this.#published.get("stream")! - 1;
    for (const { channels } of clients) {
      for (const { consumers } of channels.values()) {
        for (const { queue, last } of consumers.values()) {
          if (queue === "stream" && last >= 0 && last < end) problems.push(`${last} of ${end}`);
        }
      }
    }
    assertEquals(problems, []);
    return consumed;
  }
}

Deno.test("Whatever consumers wait for, none is forgotten, and none gets more than it may have", async () => {
  const first = Math.floor(Math.random() * 2 ** 31);
  let consumed = 0;
  for (let seed = first; seed < first + 10; seed++) {
    try {
      consumed += await new WaitingModel(seed).run();
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
  assertGreater(consumed, 20);
});

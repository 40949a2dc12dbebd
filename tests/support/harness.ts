/**
 * What a user of AMQP can observe, as data: a case does something and tells what it saw. The same
 * cases run in process and over TCP, where they must see what they expect, and against a RabbitMQ,
 * where it must see the same as Warren.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { tcpTransport } from "../../broker/amqp/transport.ts";
import { Broker } from "../../broker/broker.ts";
import type { TlsOptions } from "../../broker/net/tls_context.ts";
import type { BrokerServer } from "../../broker/server.ts";
import type { ExchangeDeclareOptions, QueueDeclareOptions } from "../../client/channel_options.ts";
import type { Channel } from "../../client/channel.ts";
import { connect } from "../../client/connect.ts";
import type { Connection } from "../../client/connection.ts";
import { makeQuickDirectory } from "./quick_directory.ts";
import { type LoginTerms, WirePeer } from "./wire_peer.ts";

/** How long one case may take before it counts as stuck. */
const CASE_MS = 60_000;

/** An area whose cases do next to nothing but wait for a second, and take more time where the machine is
 * busy: they wait together. */
const WAITING = "queue expiry";

/** Plain data: texts, numbers, arrays, records. */
export type Observation = unknown;

/** Something to observe through the client. */
export interface BehaviourCase {
  /** A sentence; unique in its area. */
  readonly name: string;
  /** Does it and tells what was seen. */
  readonly run: (context: Context) => Promise<Observation>;
  /** What Warren shows. */
  readonly expect: Observation;
}

/** Something that only bytes on a socket can show. */
export interface WireCase {
  /** A sentence; unique in its area. */
  readonly name: string;
  /** Does it and tells what was seen. */
  readonly run: (context: WireContext) => Promise<Observation>;
  /** What Warren shows. */
  readonly expect: Observation;
}

/** The cases of one area, such as `exchanges`. */
export type Area<Case> = Readonly<Record<string, readonly Case[]>>;

/** A broker on a port of this machine. */
export interface ServedBroker {
  /** The AMQP port on 127.0.0.1. */
  readonly port: number;
}

/** What every case is given. */
abstract class AnyContext implements AsyncDisposable {
  readonly #suffix = `~${crypto.randomUUID().slice(0, 6)}`;
  readonly #names: string[] = [];
  readonly #connections: Connection[] = [];

  /** Makes a name that no other case uses. In what the case tells, it is the label again. */
  readonly name = (label: string): string => {
    const name = label + this.#suffix;
    this.#names.push(name);
    return name;
  };

  /** Makes one more connection; it is closed at the end. */
  readonly connect = async (): Promise<Connection> => {
    const connection = await this.dialClient();
    this.#connections.push(connection);
    return connection;
  };

  protected abstract dialClient(): Promise<Connection>;

  /** Takes out of an observation what differs from run to run. */
  normalise(observation: Observation): Observation {
    if (typeof observation === "string") {
      return observation.replaceAll(this.#suffix, "")
        .replaceAll(/amq\.(gen|ctag)-[\w-]{22}/g, "amq.$1-*");
    }
    if (Array.isArray(observation)) return observation.map((item) => this.normalise(item));
    if (!isRecord(observation)) return observation;
    const pairs = Object.entries(observation)
      .map(([key, value]) => [this.normalise(key), this.normalise(value)]);
    return Object.fromEntries(pairs);
  }

  /** Closes what is open and deletes what has one of our names. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
    await using connection = await this.dialClient();
    for (const name of this.#names) await deleteQueue(connection, name);
    const channel = await connection.openChannel();
    for (const name of this.#names) await channel.exchangeDelete(name);
  }
}

/** RabbitMQ 4 deletes the exclusive queues of a connection a moment after it has answered its close. */
const LOCKED_TRIES = 100;
const LOCKED_MS = 20;

async function deleteQueue(connection: Connection, name: string): Promise<void> {
  for (let tries = 1;; tries++) {
    const channel = await connection.openChannel();
    try {
      await channel.queueDelete(name);
      return await channel.close();
    } catch (error) {
      const isLocked = error instanceof AmqpError && error.replyCode === 405;
      if (!isLocked || tries === LOCKED_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOCKED_MS));
    }
  }
}

/** What a case that goes through the client is given. */
export class Context extends AnyContext {
  /** A connection to begin with. */
  readonly connection: Connection;
  /** A channel of it. */
  readonly channel: Channel;
  readonly #dial: () => Promise<Connection>;

  private constructor(connection: Connection, channel: Channel, dial: () => Promise<Connection>) {
    super();
    this.connection = connection;
    this.channel = channel;
    this.#dial = dial;
  }

  /** Makes a context with its first connection and channel. */
  static async open(dial: () => Promise<Connection>): Promise<Context> {
    const connection = await dial();
    return new Context(connection, await connection.openChannel(), dial);
  }

  /** Opens one more channel on the first connection. */
  readonly openChannel = (): Promise<Channel> => this.connection.openChannel();

  /** Declares a queue on the first channel; its name is the label, made unique. */
  readonly queue = async (label = "queue", options: QueueDeclareOptions = {}): Promise<string> => {
    const queue = this.name(label);
    await this.channel.queueDeclare(queue, options);
    return queue;
  };

  /** Declares an exchange on the first channel; its name is the label, made unique. */
  readonly exchange = async (
    type: string,
    label = "exchange",
    options: ExchangeDeclareOptions = {},
  ): Promise<string> => {
    const exchange = this.name(label);
    await this.channel.exchangeDeclare(exchange, type, options);
    return exchange;
  };

  protected dialClient(): Promise<Connection> {
    return this.#dial();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
    await super[Symbol.asyncDispose]();
  }
}

/** What a case that speaks bytes is given. */
export class WireContext extends AnyContext {
  readonly #broker: ServedBroker;
  readonly #peers: WirePeer[] = [];

  constructor(broker: ServedBroker) {
    super();
    this.#broker = broker;
  }

  /** Opens a socket on which nothing was said yet; it is closed at the end. */
  readonly dial = async (): Promise<WirePeer> => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#broker.port });
    const peer = new WirePeer(tcpTransport(connection));
    this.#peers.push(peer);
    return peer;
  };

  /** Opens a socket, logs in and opens channel 1. */
  readonly login = async (terms: LoginTerms = {}): Promise<WirePeer> => {
    const peer = await this.dial();
    await peer.enter(terms);
    return peer;
  };

  protected dialClient(): Promise<Connection> {
    return connect({ hostname: "127.0.0.1", port: this.#broker.port });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer[Symbol.asyncDispose]()));
    await super[Symbol.asyncDispose]();
  }
}

/** Runs a case against a broker of this process, or behind a socket, and tells what it saw. */
export async function observe(
  { run }: BehaviourCase,
  dial: () => Promise<Connection>,
): Promise<Observation> {
  await using context = await Context.open(dial);
  return context.normalise(await inTime(run(context)));
}

/** Runs a case that speaks bytes. */
export async function observeWire({ run }: WireCase, broker: ServedBroker): Promise<Observation> {
  await using context = new WireContext(broker);
  return context.normalise(await inTime(run(context)));
}

/** Makes a test of each case, each with a broker of its own in the same process. */
export function testInProcess(areas: Area<BehaviourCase>): void {
  testAll(areas, "in process", async (behaviour) => {
    await using broker = new Broker();
    const observed = await observe(behaviour, () => broker.connect());
    assertEquals(observed, behaviour.expect);
  });
}

/** Makes a test of each case, each with a broker of its own that keeps what is durable on disk. */
export function testDurable(areas: Area<BehaviourCase>): void {
  testAll(areas, "with a data directory", async (behaviour) => {
    const dataDir = await makeQuickDirectory("warren-behaviour-");
    try {
      await using broker = new Broker({ dataDir });
      const observed = await observe(behaviour, () => broker.connect());
      assertEquals(observed, behaviour.expect);
    } finally {
      await Deno.remove(dataDir, { recursive: true });
    }
  });
}

/** Makes a test of each case, each with a broker of its own behind a socket. */
export function testOverTcp(areas: Area<BehaviourCase>): void {
  testAll(areas, "over TCP", async (behaviour) => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0 });
    const address = { hostname: "127.0.0.1", port: server.port };
    const observed = await observe(behaviour, () => connect(address));
    assertEquals(observed, behaviour.expect);
  });
}

/** Makes a test of each case, each with a broker of its own behind TLS. */
export function testOverTls(
  areas: Area<BehaviourCase>,
  tls: TlsOptions,
  dial: (server: BrokerServer) => Promise<Connection>,
): void {
  testAll(areas, "over TLS", async (behaviour) => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0, tls });
    const observed = await observe(behaviour, () => dial(server));
    assertEquals(observed, behaviour.expect);
  });
}

/** Makes a test of each case, each with a broker of its own behind a WebSocket. */
export function testOverWebSocket(
  areas: Area<BehaviourCase>,
  how: string,
  dial: (server: BrokerServer) => Promise<Connection>,
): void {
  testAll(areas, `over ${how}`, async (behaviour) => {
    await using broker = new Broker();
    await using server = await broker.listen({ websocket: true, port: 0 });
    const observed = await observe(behaviour, () => dial(server));
    assertEquals(observed, behaviour.expect);
  });
}

/** Makes a test of each case that speaks bytes, each with a broker of its own. */
export function testOnWire(areas: Area<WireCase>): void {
  testAll(areas, "on the wire", async (wireCase) => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0 });
    assertEquals(await observeWire(wireCase, server), wireCase.expect);
  });
}

/** Makes a test of each case; of an area that waits, one of all its cases. */
function testAll<Case extends { readonly name: string }>(
  areas: Area<Case>,
  how: string,
  run: (one: Case) => Promise<void>,
): void {
  for (const [area, cases] of Object.entries(areas)) {
    if (area === WAITING) Deno.test(`${area}, ${how}`, (test) => waitTogether(test, cases, run));
    else for (const one of cases) Deno.test(`${area}: ${one.name}, ${how}`, () => run(one));
  }
}

/** What one of them leaks is found in the test that they are steps of. */
async function waitTogether<Case extends { readonly name: string }>(
  test: Deno.TestContext,
  cases: readonly Case[],
  run: (one: Case) => Promise<void>,
): Promise<void> {
  const [sanitizeOps, sanitizeResources, sanitizeExit] = [false, false, false];
  await Promise.all(cases.map((one) =>
    test.step({
      name: one.name,
      fn: () => run(one),
      ...{ sanitizeOps, sanitizeResources, sanitizeExit },
    })
  ));
}

/** Gives up on a case that is stuck. */
async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`Cannot finish case within ${CASE_MS} ms`)),
    CASE_MS,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

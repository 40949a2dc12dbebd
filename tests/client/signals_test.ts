/**
 * Every call of the client that waits can be given up by a signal: before it begins, and while the broker
 * does not answer.
 *
 * The calls are listed here by class, and each method of the class must be among them, so that one that
 * is added later is too.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import {
  Broker,
  Channel,
  connect,
  Connection,
  Consumer,
  IterableConsumer,
  MessageConsumer,
  Publisher,
  RpcClient,
  RpcServer,
} from "../../mod.ts";
import { connect as connectToWebSocket } from "../../client/websocket.ts";
import { memoryTransports } from "../support/memory_transport.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { turns } from "../support/turns.ts";

type Call = (signal: AbortSignal) => Promise<unknown> | undefined;

interface Calls {
  readonly class: { readonly prototype: object; readonly name: string };
  /** Methods that wait, and how they are called. */
  readonly waiting: Readonly<Record<string, Call>>;
  /** Methods that do not, or are the same as another one. */
  readonly others: readonly string[];
}

/** A broker that falls silent when it is told to. */
class Silence implements AsyncDisposable {
  readonly connection: Connection;
  readonly #broker: Broker;
  readonly #proxy: TcpProxy;
  readonly #gate: { open: PromiseWithResolvers<void> };

  constructor(
    broker: Broker,
    proxy: TcpProxy,
    gate: { open: PromiseWithResolvers<void> },
    connection: Connection,
  ) {
    this.#broker = broker;
    this.#proxy = proxy;
    this.#gate = gate;
    this.connection = connection;
  }

  static async open(): Promise<Silence> {
    const broker = new Broker();
    const { port } = await broker.listen({ port: 0 });
    const gate = { open: Promise.withResolvers<void>() };
    gate.open.resolve();
    const proxy = new TcpProxy(port, () => ({
      down: {
        async mangle(piece) {
          await gate.open.promise;
          return [piece];
        },
      },
    }));
    const connection = await connect(`amqp://127.0.0.1:${proxy.port}`, { recovery: false });
    return new Silence(broker, proxy, gate, connection);
  }

  fall(): void {
    this.#gate.open = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate.open.resolve();
    await this.connection.close();
    await this.#proxy[Symbol.asyncDispose]();
    await this.#broker.close();
  }
}

async function allCalls(connection: Connection): Promise<readonly Calls[]> {
  const channel = await connection.openChannel();
  const confirming = await connection.openChannel();
  await confirming.confirmSelect();
  const transactional = await connection.openChannel();
  await transactional.txSelect();
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  const closing = await connection.openChannel();
  const consumer = await channel.basicConsume(queue, {}, () => {});
  const iterated = await channel.basicConsume(queue);
  const publisher = await connection.publisher({ routingKey: queue });
  const messages = await connection.consumer({ queue });
  const rpcServer = await connection.serve(`${queue.slice(4)}-calls`, () => "");
  const rpcClient = await connection.rpc(`${queue.slice(4)}-calls`);
  const binding = { queue, exchange: "amq.fanout" };
  const exchanges = { source: "amq.fanout", destination: "amq.direct" };
  return [
    {
      class: Consumer,
      waiting: { cancel: (signal) => consumer.cancel({ signal }) },
      others: [],
    },
    {
      class: IterableConsumer,
      waiting: { next: (signal) => iterated.next({ signal }) },
      others: ["return"], // loops call it; cancel() is the same with a signal
    },
    {
      class: Channel,
      waiting: {
        exchangeDeclare: (signal) => channel.exchangeDeclare("e", "fanout", { signal }),
        exchangeDelete: (signal) => channel.exchangeDelete("e", { signal }),
        exchangeBind: (signal) => channel.exchangeBind({ ...exchanges, signal }),
        exchangeUnbind: (signal) => channel.exchangeUnbind({ ...exchanges, signal }),
        queueDeclare: (signal) => channel.queueDeclare("", { signal }),
        queueBind: (signal) => channel.queueBind({ ...binding, signal }),
        queueUnbind: (signal) => channel.queueUnbind({ ...binding, signal }),
        queuePurge: (signal) => channel.queuePurge(queue, { signal }),
        queueDelete: (signal) => channel.queueDelete("other", { signal }),
        basicQos: (signal) => channel.basicQos({ prefetchCount: 1, signal }),
        basicConsume: (signal) => channel.basicConsume(queue, { signal }),
        basicCancel: (signal) => channel.basicCancel("nobody", { signal }),
        basicGet: (signal) => channel.basicGet(queue, { signal }),
        basicRecover: (signal) => channel.basicRecover({ signal }),
        basicPublish: (signal) => confirming.basicPublish({ routingKey: queue, signal }, ""),
        confirmSelect: (signal) => confirming.confirmSelect({ signal }),
        waitForConfirms(signal) {
          confirming.basicPublish({ routingKey: queue }, "");
          return confirming.waitForConfirms({ signal });
        },
        txSelect: (signal) => transactional.txSelect({ signal }),
        txCommit: (signal) => transactional.txCommit({ signal }),
        txRollback: (signal) => transactional.txRollback({ signal }),
        channelFlow: (signal) => channel.channelFlow({ active: true, signal }),
        close: (signal) => closing.close({ signal }),
      },
      others: ["basicAck", "basicNack", "basicReject"],
    },
    {
      class: Publisher,
      waiting: {
        publish: (signal) => publisher.publish("", { signal }),
        flush(signal) {
          publisher.publish("");
          return publisher.flush({ signal });
        },
        close: (signal) => publisher.close({ signal }),
      },
      others: ["writable"], // pipeTo() takes a signal, and so does each publish behind it
    },
    {
      class: MessageConsumer,
      waiting: {
        next: (signal) => messages.next({ signal }),
        close: (signal) => messages.close({ signal }),
      },
      others: ["return", "readable"],
    },
    {
      class: RpcClient,
      waiting: {
        call: (signal) => rpcClient.call("", { signal }),
        close: (signal) => rpcClient.close({ signal }),
      },
      others: [],
    },
    {
      class: RpcServer,
      waiting: { close: (signal) => rpcServer.close({ signal }) },
      others: [],
    },
    {
      class: Connection,
      waiting: {
        openChannel: (signal) => connection.openChannel({ signal }),
        publisher: (signal) => connection.publisher({ signal }),
        consumer: (signal) => connection.consumer({ queue, signal }),
        rpc: (signal) => connection.rpc("calls", { signal }),
        serve: (signal) => connection.serve("calls", () => "", { signal }),
        updateSecret: (signal) => connection.updateSecret("secret", "it is time", { signal }),
        close: (signal) => connection.close({ signal }),
      },
      others: ["on", "whenConnected"], // see below: there is something to wait for while it is away
    },
  ];
}

function methodsOf(prototype: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === "function" && name !== "constructor")
    .map(([name]) => name);
}

Deno.test("every call that waits for a silent broker is given up when its signal aborts", async () => {
  await using silence = await Silence.open();
  const all = await allCalls(silence.connection);
  silence.fall();
  for (const { class: { prototype, name }, waiting, others } of all) {
    assertEquals([...Object.keys(waiting), ...others].sort(), methodsOf(prototype).sort(), name);
    for (const [method, call] of Object.entries(waiting)) {
      const controller = new AbortController();
      const reason = new Error(`${name}.${method} took too long`);
      const outcome = settled(call(controller.signal));
      await turns(5);
      assertEquals(outcome.state, "pending", `${name}.${method}`);
      controller.abort(reason);
      await turns(5);
      assertEquals(outcome, { state: "rejected", value: reason });
    }
  }
  // it was the last call that closed the connection
  assertEquals(await silence.connection.closed, undefined);
});

Deno.test("no call with a signal that has aborted begins, but what is to be closed is closed", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using web = await broker.listen({ websocket: true, port: 0 });
  const connection = await connect(`amqp://127.0.0.1:${server.port}`);
  const signal = AbortSignal.abort(new Error("enough"));
  for (const { class: { name }, waiting } of await allCalls(connection)) {
    for (const [method, call] of Object.entries(waiting)) {
      // deno-lint-ignore require-await -- what it throws
      await assertRejects(async () => call(signal), Error, "enough", `${name}.${method}`);
    }
  }
  assertEquals(await connection.closed, undefined);
  await assertRejects(
    () => connect(`amqp://127.0.0.1:${server.port}`, { signal }),
    Error,
    "enough",
  );
  await assertRejects(() => connectToWebSocket(web.url, { signal }), Error, "enough");
});

Deno.test("a signal that aborts just when TLS begins gives up all the same", async () => {
  for (let late = 0; late < 20; late++) {
    const [ours, theirs] = memoryTransports(); // nobody answers
    const controller = new AbortController();
    const { signal } = controller;
    const abort = async () => {
      for (let left = late; left > 0; left--) await undefined;
      controller.abort();
    };
    const dial = () => {
      abort();
      return Promise.resolve(ours);
    };
    await assertRejects(() => connect({ tls: {}, dial, signal }), DOMException);
    const buffer = new Uint8Array(1000);
    while (await theirs.read(buffer) !== null);
  }
});

Deno.test("what waits for a connection is given up too, and leaves nothing behind", async () => {
  await using broker = new Broker();
  const server = await broker.listen({ port: 0 });
  await broker.declareQueue({ queue: "q" });
  await using proxy = new TcpProxy(server.port);
  await using connection = await connect(`amqp://127.0.0.1:${proxy.port}`, {
    recovery: { initialDelayMs: 60_000 },
  });
  const publisher = await connection.publisher({ routingKey: "q" });
  const client = await connection.rpc("q");
  const lost = new Promise((resolve) => connection.on("lost", resolve));
  proxy.cut();
  await lost;
  const calls: readonly Call[] = [
    (signal) => connection.whenConnected({ signal }),
    (signal) => connection.openChannel({ signal }),
    (signal) => connection.publisher({ signal }),
    (signal) => connection.consumer({ queue: "q", signal }),
    (signal) => connection.rpc("q", { signal }),
    (signal) => connection.serve("q", () => "", { signal }),
    (signal) => publisher.publish("x", { signal }),
    (signal) => publisher.flush({ signal }),
    (signal) => client.call("x", { signal }),
  ];
  for (const call of calls) {
    const controller = new AbortController();
    const kept = publisher.publish("kept");
    const outcome = settled(call(controller.signal));
    await turns(5);
    assertEquals(outcome.state, "pending", call.toString());
    controller.abort(new Error("enough"));
    await turns(5);
    assertEquals(outcome.state, "rejected", call.toString());
    kept.catch(() => {});
  }
  assertEquals(publisher.buffered, calls.length, "what was given up has no place any more");
});

interface Outcome {
  state: "pending" | "fulfilled" | "rejected";
  value: unknown;
}

function settled(promise: Promise<unknown> | undefined): Outcome {
  const outcome: Outcome = { state: "pending", value: undefined };
  Promise.resolve(promise).then(
    (value) => Object.assign(outcome, { state: "fulfilled", value }),
    (value) => Object.assign(outcome, { state: "rejected", value }),
  );
  return outcome;
}

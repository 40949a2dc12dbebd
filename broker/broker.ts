import { Alarms } from "./alarms.ts";
import { AmqpError } from "./amqp/error.ts";
import type { FieldTable } from "./amqp/field_table.ts";
import { Heartbeat } from "./amqp/heartbeat.ts";
import { MemoryLink } from "./amqp/memory_link.ts";
import { endpointName, type Transport } from "./amqp/transport.ts";
import { WireLink } from "./amqp/wire_link.ts";
import { Connection } from "../client/connection.ts";
import { AckTimeouts } from "./connection/ack_timeouts.ts";
import { ALL_CAPABILITIES, SERVER_CAPABILITIES } from "./connection/capabilities.ts";
import { BrokerConnection } from "./connection/connection.ts";
import { shakeHands } from "./connection/handshake.ts";
import { type BrokerEventMap, type BrokerEventName, BrokerEvents } from "./events.ts";
import { Listener, type ListenOptions } from "./net/listener.ts";
import {
  openWebSocket,
  type RequestInfo,
  type ServeWebSocketOptions,
} from "./net/websocket_handler.ts";
import {
  type BrokerOptions,
  type CompleteOptions,
  completeOptions,
  type DataDirectory,
} from "./options.ts";
import { PagePool } from "./pages.ts";
import { ExchangeTypes } from "./routing/exchange_types.ts";
import { type BrokerServer, closeAll, ServedConnections, Server } from "./server.ts";
import { DiskFileSystem } from "./store/file_system.ts";
import { DirectoryLock } from "./store/directory_lock.ts";
import type { StoreError } from "./store/error.ts";
import { Store, type StoreState } from "./store/store.ts";
import { ExchangeLogger, publishEvents } from "./vhost/broker_exchanges.ts";
import { DelayedMessages } from "./vhost/delayed_messages.ts";
import { readDefinitions } from "./vhost/topology.ts";
import { VirtualHost } from "./vhost/vhost.ts";
import { WARREN_VERSION } from "./version.ts";

/** Which vhost a connection in the same process enters, and as whom. */
export interface LocalConnectOptions {
  /** The vhost. Default: `/`. */
  readonly vhost?: string;
  /** The user's name; no password is needed. Default: `guest`. */
  readonly user?: string;
}

/**
 * An AMQP 0-9-1 broker.
 *
 * It lives in this process: {@linkcode Broker.connect} talks to it without a socket, and
 * {@linkcode Broker.listen} serves the same exchanges and queues over TCP to any RabbitMQ client.
 * Everything is in memory and gone with the process, unless it is given a data directory.
 *
 * @example Publish and consume in one process
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 * const { queue } = await channel.queueDeclare("greetings");
 * await channel.basicPublish({ routingKey: queue }, "hello");
 * const delivery = await channel.basicGet(queue, { noAck: true });
 * assertEquals(delivery?.text(), "hello");
 * ```
 */
export class Broker implements AsyncDisposable {
  readonly #options: CompleteOptions;
  readonly #pages: PagePool;
  readonly #events: BrokerEvents;
  readonly #ackTimeouts: AckTimeouts | undefined;
  readonly #vhosts = new Map<string, VirtualHost>();
  readonly #connections = new Set<BrokerConnection>();
  readonly #servers = new Set<Server>();
  readonly #alarms = new Alarms();
  readonly #directory: DataDirectory | undefined;
  /** What came through somebody else's HTTP server. */
  readonly #mounted = this.#served();
  readonly #store: Store | undefined;
  readonly #delayed: DelayedMessages;
  #localConnections = 0;
  #closed: Promise<void> | undefined;

  /**
   * Makes a broker. Nothing is listened on and nothing runs until somebody connects.
   *
   * @param options All of them have RabbitMQ's defaults.
   * @throws {RangeError} When a number is out of its range.
   * @throws {TypeError} When an exchange type has a name that is taken.
   * @throws {StoreError} When the data directory is in use, or a newer Warren wrote it.
   */
  constructor(options: BrokerOptions = {}) {
    const complete = completeOptions(options);
    const logger = new ExchangeLogger(complete.logger);
    this.#options = { ...complete, logger };
    this.#events = new BrokerEvents(
      complete.clock,
      (error) => logger.log("error", `event listener: ${(error as Error)?.stack ?? error}`),
    );
    const exchangeTypes = new ExchangeTypes(logger);
    for (const type of this.#options.exchangeTypes) exchangeTypes.register(type);
    const { clock, consumerTimeoutMs, dataDir, messageMemory } = this.#options;
    const { openDirectory = openDiskDirectory } = this.#options;
    if (consumerTimeoutMs > 0) this.#ackTimeouts = new AckTimeouts(clock, consumerTimeoutMs);
    this.#pages = new PagePool(dataDir === undefined ? Infinity : messageMemory);
    this.#delayed = new DelayedMessages({ clock, pages: this.#pages, logger });
    if (dataDir !== undefined) {
      this.#directory = openDirectory(dataDir);
      this.#store = this.#openStore(this.#directory);
    }
    const surroundings = {
      pages: this.#pages,
      events: this.#events,
      exchangeTypes,
      logger,
      clock,
      delayed: this.#delayed,
      store: this.#store,
    };
    for (const name of this.#options.vhosts) {
      this.#vhosts.set(name, new VirtualHost(name, surroundings));
    }
    const [first] = this.#options.vhosts;
    const defaultVhost = this.#vhosts.get("/") ?? this.#vhosts.get(first ?? "/");
    if (defaultVhost !== undefined) {
      logger.publishTo(defaultVhost);
      publishEvents(defaultVhost, this.#events);
    }
    if (this.#store !== undefined) {
      try {
        this.#restore(this.#store);
      } catch (error) {
        this.#store.close().finally(() => this.#directory!.release());
        throw error;
      }
    }
  }

  /** Opens the store, or gives the directory free again. */
  #openStore(directory: DataDirectory): Store {
    const { clock, logger, sync, segmentSize } = this.#options;
    let store: Store;
    try {
      store = new Store({
        files: directory.files,
        sync,
        clock,
        ...(segmentSize === undefined ? {} : { segmentSize }),
        onStateChanged: (state, error) => this.#storeChanged(state, error),
        onDamage: (file, offset) => logger.log("error", `store: ${file} is damaged at ${offset}`),
      });
    } catch (error) {
      directory.release();
      throw error;
    }
    const { dropped, damages } = store.report;
    for (const damage of dropped === undefined ? damages : [...damages, dropped]) {
      const { bytes, file, offset, reason } = damage;
      logger.log(
        "warning",
        `store: ${bytes} bytes of ${file} at ${offset} were passed over: ${reason}`,
      );
    }
    return store;
  }

  /** While the store cannot take all that comes, nobody may publish. */
  #storeChanged(state: StoreState, error: StoreError | undefined): void {
    const why = error === undefined ? "" : `: ${error.message}`;
    this.#options.logger.log(state === "open" ? "info" : "error", `store: ${state}${why}`);
    if (state === "open") this.#alarms.clear("disk");
    else this.#alarms.raise("disk", state === "full" ? "" : "it cannot be written");
  }

  /** Makes again what the store remembers, and forgets the messages of queues that are gone. */
  #restore(store: Store): void {
    const alive = new Set<number>();
    for (const definition of readDefinitions(store)) {
      this.#vhosts.get(definition.vhost)?.restore(definition);
      if (definition.kind === "queue") alive.add(definition.id);
    }
    for (const [id, queue] of [...store.queues]) if (!alive.has(id)) store.removeQueue(queue);
    for (const vhost of this.#vhosts.values()) vhost.start();
  }

  /**
   * Connects from this process: methods cross as objects, nothing is encoded and no password asked.
   *
   * @param options Which vhost, and as whom.
   * @returns The same `Connection` that `connect("amqp://…")` gives.
   * @throws {AmqpError} 530 when there is no such vhost, 320 when the broker is closed.
   */
  // deno-lint-ignore require-await -- a promise, so that errors come the same way over a network
  async connect(options: LocalConnectOptions = {}): Promise<Connection> {
    if (this.#closed !== undefined) throw new AmqpError(320, "broker is closed");
    const vhost = this.#vhosts.get(options.vhost ?? "/");
    if (vhost === undefined) throw new AmqpError(530, `vhost ${options.vhost} not found`);
    const { channelMax, messageSizeMax, clock, logger } = this.#options;
    const [brokerEnd, clientEnd] = MemoryLink.pair();
    const name = `local-${++this.#localConnections}`;
    const brokerConnection = new BrokerConnection({
      name,
      link: brokerEnd,
      abort: () => brokerEnd.close(),
      paced: false,
      vhost,
      user: { name: options.user ?? "guest" },
      capabilities: ALL_CAPABILITIES,
      clientProperties: { connection_name: name },
      limits: { channelMax, messageSizeMax },
      clock,
      logger,
      alarms: this.#alarms,
      onClosed: (closed) => this.#connections.delete(closed),
    });
    this.#connections.add(brokerConnection);
    brokerEnd.attach(brokerConnection);
    return Connection.over(clientEnd, {
      channelMax,
      serverProperties: serverProperties(),
      clock,
      attach: (receiver) => clientEnd.attach(receiver),
    });
  }

  /**
   * Serves the broker over TCP, a socket file or WebSocket. It may be called again: a broker listens
   * in as many places as one likes, and all of them lead to the same exchanges and queues.
   *
   * With `proxyProtocol` each connection must begin with the header of a trusted proxy, and what that
   * says is its address from then on: in its name, in the log, and for letting `guest` in from
   * loopback alone. With `websocket` the address is the HTTP address of a WebSocket, whatever its
   * path; subprotocols that begin with `amqp` are agreed to, and none is needed.
   *
   * @param options Where. Default: `127.0.0.1:5672`.
   * @returns What listens; `port` tells which port 0 became.
   * @throws {TypeError} When an option makes no sense, or the broker is closed.
   * @throws {Deno.errors.AddrInUse} When another program listens there.
   *
   * @example A port of its own for each test
   * ```ts
   * import { Broker, connect } from "@warren/amqp";
   *
   * await using broker = new Broker();
   * await using server = await broker.listen({ port: 0 });
   * await using connection = await connect(`amqp://guest:guest@127.0.0.1:${server.port}`);
   * await connection.openChannel();
   * ```
   *
   * @example A socket file and a WebSocket as well
   * ```ts
   * import { Broker, connect } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * const path = `${await Deno.makeTempDir()}/warren.sock`;
   * await using file = await broker.listen({ path, mode: 0o600 });
   * await using web = await broker.listen({ websocket: true, port: 0 });
   *
   * await using one = await connect(file.url); // amqp+unix:///tmp/…/warren.sock
   * await using other = await connect(web.url); // ws://127.0.0.1:…
   * const { queue } = await (await one.openChannel()).queueDeclare("shared");
   * const { messageCount } = await (await other.openChannel()).queueDeclare(queue);
   * assertEquals(messageCount, 0);
   * ```
   */
  async listen(options: ListenOptions = {}): Promise<BrokerServer> {
    if (this.#closed !== undefined) throw new TypeError("Cannot listen: broker is closed");
    const { clock, logger, handshakeTimeoutMs: timeoutMs } = this.#options;
    const connections = this.#served();
    const { take: onTransport } = connections;
    const listener = await Listener.open(options, { onTransport, timeoutMs, clock, logger });
    const server = new Server(listener, connections, () => this.#servers.delete(server));
    if (this.#closed !== undefined) {
      await server.close();
      throw new TypeError("Cannot listen: broker is closed");
    }
    this.#servers.add(server);
    return server;
  }

  /**
   * Calls a listener whenever something happens: a queue is made, a client logs in. Events and their
   * fields are those of RabbitMQ's event exchange, to which they go as well (`amq.rabbitmq.event`).
   * What a listener throws is logged.
   *
   * @param name Which event.
   * @param listener Called at the end of the turn in which it happened, in order.
   * @returns Ends it.
   *
   * @example Count queues as they come and go
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * const seen: string[] = [];
   * broker.on("queue.created", ({ name }) => void seen.push(name));
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * await channel.queueDeclare("greetings");
   * assertEquals(seen, ["greetings"]);
   * ```
   */
  on<Name extends BrokerEventName>(
    name: Name,
    listener: (fields: BrokerEventMap[Name], time: number) => void,
  ): () => void {
    return this.#events.listen((event) => {
      if (event.name === name) listener(event.fields as BrokerEventMap[Name], event.time);
    });
  }

  /**
   * Switches the firehose of a vhost on or off: a copy of each message that is published or delivered
   * there goes to its exchange `amq.rabbitmq.trace`. It costs a second publish for each of them, and
   * is off after a restart.
   *
   * @throws {TypeError} When there is no such vhost.
   */
  setTracing(vhost: string, on: boolean): void {
    const found = this.#vhosts.get(vhost);
    if (found === undefined) throw new TypeError(`Cannot trace vhost "${vhost}": there is none`);
    found.setTracing(on);
  }

  /**
   * Answers a request of an HTTP server of yours by serving AMQP over a WebSocket.
   *
   * A WebSocket of the runtime cannot be asked to pause: a publisher that is slowed by the broker and
   * goes on for 64 MiB is cut off. `listen({ websocket: true })` has no such limit.
   *
   * @param request The request.
   * @param info What `Deno.serve` tells its handler besides; without it nobody counts as local.
   * @param options Which web pages may connect.
   * @returns The answer: 101, 426 when it asks for no WebSocket, 403 when its page may not, 503 when
   * the broker is closed.
   *
   * @example One path of a server
   * ```ts
   * import { Broker, connect } from "@warren/amqp";
   *
   * await using broker = new Broker();
   * await using http = Deno.serve({ port: 0, hostname: "127.0.0.1" }, (request, info) => {
   *   const { pathname } = new URL(request.url);
   *   if (pathname === "/amqp") return broker.serveWebSocket(request, info);
   *   return new Response("not found", { status: 404 });
   * });
   * await using connection = await connect(`ws://127.0.0.1:${http.addr.port}/amqp`);
   * await connection.openChannel();
   * ```
   */
  serveWebSocket(
    request: Request,
    info: RequestInfo = {},
    options: ServeWebSocketOptions = {},
  ): Response {
    if (this.#closed !== undefined) return new Response("broker is closed\n", { status: 503 });
    return openWebSocket(request, info, options, this.#mounted.take);
  }

  /** Stops listening, closes all connections with 320 CONNECTION_FORCED and forgets everything. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** As {@linkcode Broker.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#delayed.close();
    await Promise.all([...this.#servers, this.#mounted].map((one) => one.close()));
    try {
      await closeAll(this.#connections);
    } finally {
      for (const vhost of this.#vhosts.values()) vhost.stop();
      await this.#store?.close();
      this.#directory?.release();
    }
  }

  #served(): ServedConnections {
    return new ServedConnections((transport, opening) => this.#serve(transport, opening));
  }

  /** The life of one socket. Resolves with its connection; undefined when it never became one. */
  async #serve(
    transport: Transport,
    opening: Set<WireLink>,
  ): Promise<BrokerConnection | undefined> {
    const { authenticator, clock, frameMax, channelMax, messageSizeMax, logger } = this.#options;
    const link = new WireLink(transport, { frameMax });
    const name = `${endpointName(transport.peer)} -> ${endpointName(transport.local)}`;
    opening.add(link);
    const agreed = await shakeHands(link, {
      clock,
      timeoutMs: this.#options.handshakeTimeoutMs,
      authenticator,
      serverProperties: serverProperties(),
      offered: { channelMax, frameMax, heartbeat: this.#options.heartbeatSeconds },
      findVhost: (vhost) => this.#vhosts.get(vhost),
      logger,
    });
    opening.delete(link);
    if (agreed === undefined) return undefined;

    const heartbeat = new Heartbeat({
      clock,
      intervalSeconds: agreed.tuned.heartbeat,
      wroteBytes: () => link.bytesWritten,
      readBytes: () => link.bytesRead,
      reading: () => connection.reading,
      beat: () => link.beat(),
      dead: () => link.abort(new Error("no heartbeat came")),
    });
    const connection: BrokerConnection = new BrokerConnection({
      name,
      link,
      abort: () => link.abort(),
      paced: true,
      vhost: agreed.vhost,
      user: agreed.user,
      capabilities: agreed.capabilities,
      clientProperties: agreed.clientProperties,
      ackTimeouts: this.#ackTimeouts,
      limits: { channelMax: agreed.tuned.channelMax, messageSizeMax },
      clock,
      logger,
      alarms: this.#alarms,
      onClosed: (closed) => {
        heartbeat.stop();
        this.#connections.delete(closed);
      },
    });
    this.#connections.add(connection);
    logger.log(
      "info",
      `connection ${name}: user '${agreed.user.name}' entered vhost '${agreed.vhost.name}'`,
    );
    link.run(connection);
    return connection;
  }
}

function openDiskDirectory(dataDir: string): DataDirectory {
  const files = new DiskFileSystem(dataDir);
  const lock = new DirectoryLock(dataDir);
  return { files, release: () => lock.release() };
}

/** What the broker tells clients about itself; keys and order are RabbitMQ's. Some clients go by the
 * product's name and version, so both are RabbitMQ's too: the behaviour that they stand for is ours. */
function serverProperties(): FieldTable {
  return {
    capabilities: SERVER_CAPABILITIES,
    cluster_name: "warren@localhost",
    copyright: "Copyright (c) 2026 the Warren authors",
    information: "Licensed under the MIT License",
    platform: "Deno",
    product: "RabbitMQ",
    version: "3.13.7",
    warren_version: WARREN_VERSION,
  };
}

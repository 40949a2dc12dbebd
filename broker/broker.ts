import type { Alarm } from "./alarms.ts";
import { AmqpError } from "./amqp/error.ts";
import type { MessageTracer } from "./amqp/tracer.ts";
import type { UserInfo } from "./auth/account.ts";
import type {
  PermissionOptions,
  TopicPermissionOptions,
  TopicPermissions,
  UserPermissions,
} from "./auth/permissions.ts";
import type { UserLimits } from "./auth/user_limits.ts";
import { BrokerParts } from "./broker_parts.ts";
import type { Connection } from "../client/connection.ts";
import type { DefinitionSections } from "./definition_sections.ts";
import type { BrokerEventMap, BrokerEventName } from "./events.ts";
import type { ListenOptions } from "./net/listener.ts";
import type { RequestInfo, ServeWebSocketOptions } from "./net/websocket_handler.ts";
import { describeDeaths, describeSizes } from "./operator/message_counts.ts";
import type { Operations } from "./operator/operations.ts";
import { takeSnapshot } from "./operator/snapshot.ts";
import type {
  BindingFilter,
  BindingInfo,
  BrokerSnapshot,
  ChannelInfo,
  ConnectionFilter,
  ConnectionInfo,
  ConsumerFilter,
  ConsumerInfo,
  CountFilter,
  DeathInfo,
  ExchangeFilter,
  ExchangeInfo,
  MessageSizesInfo,
  Meter,
  MeterKind,
  NodeInfo,
  QueueFilter,
  QueueInfo,
  SnapshotOptions,
  SnapshotPart,
} from "./operator_info.ts";
import type {
  BindingOptions,
  DeclareExchangeOptions,
  DeclareQueueOptions,
  DeleteExchangeOptions,
  DeleteQueueOptions,
  ImportDefinitionsOptions,
  InExchange,
  InQueue,
  InVhost,
  OfUser,
  PageOptions,
  ParameterOptions,
  PolicyHolder,
  UserOptions,
  Vhost,
  VhostOptions,
} from "./operator_options.ts";
import type { BrokerOptions } from "./options.ts";
import type { JsonObject, JsonValue } from "./policy/json.ts";
import type { VhostLimits } from "./policy/limits.ts";
import type { AppliedPolicy } from "./policy/policies.ts";
import type { Policy, PolicyOptions } from "./policy/policy.ts";
import type { BrowseOptions, QueuedMessage } from "./queue/browsing.ts";
import type { BrokerServer } from "./server.ts";
import type { LoginOptions, LoginResult } from "./session.ts";
import type { DelayedMessage } from "./vhost/delay_line.ts";
import type { MoveAddress } from "./vhost/publishing.ts";
import type { Parameter } from "./vhost/settings.ts";

/** Which vhost a connection in the same process enters, and as whom. */
export interface LocalConnectOptions {
  /** The vhost. Default: `/`. */
  readonly vhost?: string;
  /** The user, who may do there what its permissions say; no password is needed. Default: none, and
   * everything is permitted. What is published is from `guest` then. */
  readonly user?: string;
  /** Is told of each message that is sent, received or handled over it. Default: nobody is. */
  readonly tracer?: MessageTracer;
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
  readonly #parts: BrokerParts;
  #closed: Promise<void> | undefined;

  /**
   * Makes a broker. Nothing is listened on and nothing runs until somebody connects.
   *
   * @param options All of them have RabbitMQ's defaults.
   * @throws {RangeError} When a number is out of its range.
   * @throws {TypeError} When an exchange type has a name that is taken, or there is no such profile.
   * @throws {StoreError} When the data directory is in use, or a newer Warren wrote it.
   */
  constructor(options: BrokerOptions = {}) {
    this.#parts = new BrokerParts(options);
  }

  get #operator(): Operations {
    return this.#parts.operator;
  }

  /**
   * Connects from this process: methods cross as objects, nothing is encoded and no password asked.
   *
   * @param options Which vhost, and as whom.
   * @returns The same `Connection` that `connect("amqp://…")` gives.
   * @throws {AmqpError} 530 when there is no such vhost, or it, the broker or the user has as many
   * connections as it may have, or the user may not enter the vhost; 320 when the broker is closed or
   * stopped.
   */
  // deno-lint-ignore require-await -- a promise, so that errors come the same way over a network
  async connect(options: LocalConnectOptions = {}): Promise<Connection> {
    if (this.#closed !== undefined) throw new AmqpError(320, "broker is closed");
    return this.#parts.entrance.connect(options.vhost ?? "/", options.user, options.tracer);
  }

  /**
   * Lets somebody in by name and password who did not come over AMQP: a management page, for example.
   * As over AMQP, those may come from this machine alone of whom the options say so, refusals are told
   * of and logged, and many of them from one address take longer and longer.
   *
   * @param login What it shows, and from where.
   * @returns What it may do; or that it was refused.
   *
   * @example As an HTTP server would do it
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assert } from "@std/assert";
   *
   * await using broker = new Broker();
   * const who = { name: "guest", password: "guest", peerHostname: "127.0.0.1" };
   * const result = await broker.login(who);
   * assert("session" in result && result.session.tags.includes("administrator"));
   * assert(!("session" in await broker.login({ ...who, password: "wrong" })));
   * ```
   */
  async login(login: LoginOptions): Promise<LoginResult> {
    if (this.#closed !== undefined) throw new AmqpError(320, "broker is closed");
    return await this.#parts.entrance.login(login);
  }

  /**
   * Serves the broker over TCP, TLS, a socket file or WebSocket. It may be called again: a broker
   * listens in as many places as one likes, and all of them lead to the same exchanges and queues.
   *
   * With `proxyProtocol` each connection must begin with the header of a trusted proxy, and what that
   * says is its address from then on: in its name, in the log, and for letting `guest` in from
   * loopback alone. With `websocket` the address is the HTTP address of a WebSocket, whatever its
   * path; subprotocols that begin with `amqp` are agreed to, and none is needed. With `tls` all of it
   * is encrypted, behind the header of a proxy if there is one.
   *
   * @param options Where. Default: `127.0.0.1:5672`.
   * @returns What listens; `port` tells which port 0 became.
   * @throws {TypeError} When an option makes no sense, a certificate cannot be used, or the broker is
   * closed.
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
   *
   * @example TLS, for clients that show a certificate and log in by it
   * ```ts ignore
   * import { Broker } from "@warren/amqp";
   *
   * const broker = new Broker({
   *   mechanisms: ["EXTERNAL", "PLAIN"],
   *   certificateLogin: "common_name",
   * });
   * await broker.addUser("ann"); // without a password
   * await broker.listen({
   *   hostname: "0.0.0.0",
   *   tls: {
   *     certFile: "/etc/warren/server.pem",
   *     keyFile: "/etc/warren/server.key",
   *     caFile: "/etc/warren/clients-ca.pem",
   *     verifyPeer: "fail-if-none",
   *   },
   * });
   * ```
   */
  listen(options: ListenOptions = {}): Promise<BrokerServer> {
    return this.#parts.listeners.open(options);
  }

  /**
   * Stops listening wherever it listens, so that no client can come any more. Those that are there go on,
   * and so does everything else. `rabbitmqctl suspend_listeners` is this.
   */
  suspendListeners(): Promise<void> {
    return this.#parts.serving.suspend();
  }

  /**
   * Listens again where it did.
   *
   * @throws {Deno.errors.AddrInUse} When another program has taken an address meanwhile. It listens at all
   * others, and this may be tried again.
   */
  resumeListeners(): Promise<void> {
    return this.#parts.serving.resume();
  }

  /**
   * Stops serving without being closed: it listens nowhere, closes all connections with 320
   * CONNECTION_FORCED, those of this process as well, and forgets what a restart would leave out: exchanges
   * and queues that are not durable, messages that are not persistent. What durable exchanges hold back stays,
   * persistent or not, since RabbitMQ's plugin keeps all of it. Operators can still see and change
   * everything. `rabbitmqctl stop_app` is this, and clients can be tested with it that come back.
   *
   * @example A client that comes back
   * ```ts
   * import { Broker, connect } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using server = await broker.listen({ port: 0 });
   * const url = `amqp://guest:guest@127.0.0.1:${server.port}`;
   * await using connection = await connect(url, { recovery: { initialDelayMs: 1 } });
   * const back = new Promise<void>((resolve) => connection.on("recovered", () => resolve()));
   * await broker.stopServing();
   * assertEquals(broker.serving, false);
   * await broker.startServing();
   * await back;
   * ```
   */
  stopServing(): Promise<void> {
    return this.#parts.serving.stop();
  }

  /** False from when it is asked to stop serving until it has started again. */
  get serving(): boolean {
    return !this.#parts.listeners.stopped;
  }

  /**
   * Serves again where it did, after it was stopped.
   *
   * @throws {Deno.errors.AddrInUse} When another program has taken an address meanwhile. It serves at all
   * others; {@linkcode Broker.resumeListeners} tries it again.
   */
  startServing(): Promise<void> {
    return this.#parts.serving.start();
  }

  /**
   * Forgets everything, so that it is as a new broker: vhosts, queues with their messages, exchanges,
   * policies, parameters and users. There are the vhosts and the user again that its options name, or `/`
   * and `guest`. It has to be stopped. `rabbitmqctl reset` is this.
   *
   * A crash leaves all as it was, or nothing: what had begun is done when a broker is started on the data
   * directory. What was counted since the process began (deaths, sizes of messages) goes on.
   *
   * @returns A promise that resolves once it is on disk.
   * @throws {TypeError} When it serves, or is closed.
   * @throws {StoreError} When the disk cannot be written.
   *
   * @example Begin anew
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.declareQueue({ queue: "orders" });
   * await broker.stopServing();
   * await broker.reset();
   * await broker.startServing();
   * assertEquals([...broker.queues()], []);
   * assertEquals(broker.users().map(({ name }) => name), ["guest"]);
   * ```
   */
  reset(): Promise<void> {
    return this.#parts.reset();
  }

  /**
   * Reads the files with certificates again, wherever it listens with TLS. What comes from now on gets the
   * new ones; connections that are open stay as they are. Where they cannot be used, the ones before stay
   * in use. `BrokerServer.reloadCertificates` does it for one of them, or with certificates that are in no
   * file.
   *
   * @throws {TypeError} When a certificate or a key cannot be used. The others were reloaded.
   * @throws {Error} When a file cannot be read.
   */
  reloadCertificates(): Promise<void> {
    return this.#parts.listeners.reloadCertificates();
  }

  /** True while there is a user `guest` with the password `guest`, which everybody knows, and it may log in
   * by that. */
  admitsGuest(): Promise<boolean> {
    return this.#operator.users.admitsGuest();
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
    listener: (fields: BrokerEventMap[Name], time: number, user: string | undefined) => void,
  ): () => void {
    return this.#parts.events.listen(({ name: happened, fields, time, user }) => {
      if (happened === name) listener(fields as BrokerEventMap[Name], time, user);
    });
  }

  /**
   * Does something in the name of a user: listeners of `on` and the event exchange are told that it was
   * done by that one. Nobody is asked what the user may do.
   *
   * @param user Its name.
   * @param action What is done, and all that it waits for.
   * @returns What it gives.
   *
   * @example Tell who added a vhost
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * const told = Promise.withResolvers<unknown>();
   * broker.on("vhost.created", ({ name }, _time, user) => told.resolve([name, user]));
   * await broker.attributeTo("ann", () => broker.addVhost("jobs"));
   * assertEquals(await told.promise, ["jobs", "ann"]);
   * ```
   */
  attributeTo<Result>(user: string, action: () => Result): Result {
    return this.#parts.events.attributeTo(user, action);
  }

  /**
   * Switches the firehose of a vhost on or off: a copy of each message that is published or delivered
   * there goes to its exchange `amq.rabbitmq.trace`. It costs a second publish for each of them, and
   * is off after a restart.
   *
   * @throws {TypeError} When there is no such vhost.
   */
  setTracing(vhost: string, on: boolean): void {
    this.#operator.vhosts.setTracing(vhost, on);
  }

  /**
   * Answers a request of an HTTP server of yours by serving AMQP over a WebSocket.
   *
   * A WebSocket of the runtime cannot be asked to pause: a publisher that is slowed by the broker and
   * goes on for 64 MiB is cut off, each message counted with 256 bytes more than its own. `listen({ websocket: true })` has no such limit.
   *
   * @param request The request.
   * @param info What `Deno.serve` tells its handler besides; without it nobody counts as local.
   * @param options Which web pages may connect.
   * @returns The answer: 101, 426 when it asks for no WebSocket, 403 when its page may not, 503 when
   * the broker is closed or stopped.
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
    return this.#parts.listeners.serveWebSocket(request, info, options);
  }

  // ---- what an operator can do

  /**
   * What the broker is short of, if anything. While it is, nobody may publish: a connection is blocked
   * by its first publish, transient messages included, and goes on when the last alarm is over.
   *
   * Memory is short when the process takes more than `memoryHighWatermark`, or when V8's heap comes
   * near its limit; the disk when there is less free than `diskFreeLimit`, when it is full, or when it
   * cannot be written.
   *
   * @example Memory that is short because an operator says so
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * assertEquals(broker.alarms, []);
   * broker.setMemoryHighWatermark(0);
   * assertEquals(broker.alarms.map(({ source }) => source), ["memory"]);
   * broker.setMemoryHighWatermark(Infinity);
   * assertEquals(broker.alarms, []);
   * ```
   */
  get alarms(): readonly Alarm[] {
    return this.#parts.resources.alarms.list;
  }

  /**
   * Changes how much memory the process may take before nobody may publish, until the broker ends.
   * RabbitMQ's `set_vm_memory_high_watermark`.
   *
   * @param watermark As the option `memoryHighWatermark`: a part of what there is, or bytes. With 0
   * nobody may publish, with Infinity the process may take what it likes.
   * @throws {RangeError} When it is neither.
   */
  setMemoryHighWatermark(watermark: number): void {
    this.#parts.resources.setMemoryHighWatermark(watermark);
  }

  /**
   * Changes how much must be free on the disk of the data directory, until the broker ends. RabbitMQ's
   * `set_disk_free_limit`.
   *
   * @param bytes As the option `diskFreeLimit`.
   * @throws {RangeError} When it is no number of bytes.
   */
  setDiskFreeLimit(bytes: number): void {
    this.#parts.resources.setDiskFreeLimit(bytes);
  }

  /**
   * Adds a vhost, or changes what is said of one that is there. What is not mentioned stays. Users may
   * not enter it before {@linkcode Broker.setPermissions} says so.
   *
   * @param name Its name, such as `staging`.
   * @param options What is said of it.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When the default queue type is none.
   *
   * @example A vhost whose queues are quorum queues
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.addVhost("staging", { description: "to try things", defaultQueueType: "quorum" });
   * assertEquals(broker.vhosts().map(({ name }) => name), ["/", "staging"]);
   *
   * await using connection = await broker.connect({ vhost: "staging" });
   * const channel = await connection.openChannel();
   * await channel.queueDeclare("jobs", { durable: true });
   * await broker.deleteVhost("staging");
   * ```
   */
  addVhost(name: string, options: VhostOptions = {}): Promise<void> {
    return this.#operator.vhosts.add(name, options);
  }

  /**
   * Deletes a vhost with all that is in it. Its connections are closed with 320 CONNECTION_FORCED.
   *
   * @param name Its name.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is none, or it is protected.
   */
  deleteVhost(name: string): Promise<void> {
    return this.#operator.vhosts.delete(name);
  }

  /** True when there is such a vhost. */
  hasVhost(name: string): boolean {
    return this.#parts.vhosts.find(name) !== undefined;
  }

  /** The vhosts, by name. */
  vhosts(): Vhost[] {
    return this.#operator.vhosts.list();
  }

  /**
   * Limits what a vhost may have. Limits that were set before are replaced; what is there already
   * stays.
   *
   * @param limits The limits; one that is left out, or is negative, is none.
   * @param options Which vhost.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such vhost, or a limit is no number.
   *
   * @example One queue and no more
   * ```ts
   * import { AmqpError, Broker } from "@warren/amqp";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.setVhostLimits({ maxQueues: 1 });
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * await channel.queueDeclare("first");
   * const error = await assertRejects(() => channel.queueDeclare("second"), AmqpError);
   * assertEquals(
   *   error.message,
   *   "PRECONDITION_FAILED - cannot declare queue 'second': queue limit in vhost '/' (1) is reached",
   * );
   * ```
   */
  setVhostLimits(limits: VhostLimits, options: InVhost = {}): Promise<void> {
    return this.#operator.vhosts.setLimits(limits, options);
  }

  /**
   * Declares an exchange; one that is the same already stays as it is.
   *
   * @param exchange The exchange.
   * @returns A promise that resolves once it is on disk.
   * @throws {AmqpError} As a channel gets it: 406 when it exists with other properties or its type or
   * arguments are none, 403 for names that are the broker's.
   * @throws {DefinitionError} When there is no such vhost.
   *
   * @example A topology without a connection
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.declareExchange({ exchange: "orders", type: "topic" });
   * await broker.declareQueue({ queue: "bills", arguments: { "x-queue-type": "quorum" } });
   * await broker.bind({ source: "orders", destination: "bills", routingKey: "#.paid" });
   *
   * const [queue] = broker.queues({ queue: "bills" });
   * assertEquals([queue?.type, queue?.durable, queue?.messagesReady], ["quorum", true, 0]);
   * const keys = [...broker.bindings({ source: "orders" })].map(({ routingKey }) => routingKey);
   * assertEquals(keys, ["#.paid"]);
   * assertEquals(await broker.deleteQueue({ queue: "bills" }), 0);
   * ```
   */
  declareExchange(exchange: DeclareExchangeOptions): Promise<void> {
    return this.#operator.topology.declareExchange(exchange);
  }

  /**
   * Deletes an exchange with its bindings.
   *
   * @param exchange Which one.
   * @returns A promise that resolves once it is on disk.
   * @throws {AmqpError} 403 when it is one of the broker's own, 406 when it is in use and that is asked
   * for.
   * @throws {DefinitionError} When there is none, or no such vhost.
   */
  deleteExchange(exchange: DeleteExchangeOptions): Promise<void> {
    return this.#operator.topology.deleteExchange(exchange);
  }

  /**
   * Declares a queue; one that is the same already stays as it is.
   *
   * @param queue The queue; with an empty name, the broker makes one up.
   * @returns Its name, once it is on disk.
   * @throws {AmqpError} As a channel gets it: 406 when it exists with other properties or an argument
   * is wrong, 405 when it is a connection's alone, 403 for names that are the broker's.
   * @throws {DefinitionError} When there is no such vhost.
   */
  declareQueue(queue: DeclareQueueOptions): Promise<string> {
    return this.#operator.topology.declareQueue(queue);
  }

  /**
   * Deletes a queue with its messages, which are not dead-lettered; also one that is a connection's
   * alone. Its consumers are cancelled.
   *
   * @param queue Which one.
   * @returns How many messages waited in it, once it is gone from disk.
   * @throws {AmqpError} 406 when it is not empty, or in use, and that is asked for; 540 when that is
   * asked for and it is a quorum queue.
   * @throws {DefinitionError} When there is none, or no such vhost.
   */
  deleteQueue(queue: DeleteQueueOptions): Promise<number> {
    return this.#operator.topology.deleteQueue(queue);
  }

  /**
   * Drops all messages that wait in a queue. They are not dead-lettered, and what is unacked stays.
   *
   * @param where The queue.
   * @returns How many were dropped, once that is on disk.
   * @throws {DefinitionError} When there is no such queue, no such vhost, or it is a stream.
   */
  purgeQueue(where: InQueue): Promise<number> {
    return this.#operator.queued.delete(where, "all");
  }

  /**
   * Binds a queue or an exchange to an exchange; a binding that is there stays.
   *
   * @param binding The binding.
   * @returns A promise that resolves once it is on disk.
   * @throws {AmqpError} 406 when the exchange's type does not take the key or the arguments, 403 when an
   * end is the default exchange.
   * @throws {DefinitionError} When an end of it is missing, or there is no such vhost.
   */
  bind(binding: BindingOptions): Promise<void> {
    return this.#operator.topology.bind(binding);
  }

  /**
   * Takes a binding away.
   *
   * @param binding The binding, with the key and the arguments that it was made with.
   * @returns A promise that resolves once it is on disk.
   * @throws {AmqpError} 403 when an end is the default exchange.
   * @throws {DefinitionError} When there is none, or no such vhost.
   */
  unbind(binding: BindingOptions): Promise<void> {
    return this.#operator.topology.unbind(binding);
  }

  /**
   * Closes a connection with 320 CONNECTION_FORCED.
   *
   * @param name Its name, as {@linkcode Broker.connections} tells it.
   * @param reason What its client is told.
   * @returns A promise that resolves once it is gone: at once, or when its client does not answer, after
   * ten seconds.
   * @throws {DefinitionError} When there is none.
   *
   * @example Whoever takes too much has to go
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * const greedy = await broker.connect();
   * for (let count = 0; count < 3; count++) await greedy.openChannel();
   *
   * for (const { name, channels } of broker.connections({ user: "guest" })) {
   *   if (channels > 2) await broker.closeConnection(name, "too many channels");
   * }
   * assertEquals((await greedy.closed)?.message, "CONNECTION_FORCED - too many channels");
   * ```
   */
  closeConnection(name: string, reason: string = "closed by an operator"): Promise<void> {
    return this.#operator.connections.close(name, reason);
  }

  /**
   * Closes a channel with 406 PRECONDITION_FAILED; its connection and the other channels of that go on.
   *
   * @param name Its name, as {@linkcode Broker.channels} tells it.
   * @param reason What its client is told.
   * @throws {DefinitionError} When there is none.
   *
   * @example One part of a program has to stop
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const [stuck, other] = [await connection.openChannel(), await connection.openChannel()];
   *
   * for (const { name, number } of broker.channels()) {
   *   if (number === 1) broker.closeChannel(name, "does not get on");
   * }
   * assertEquals((await stuck.closed)?.message, "PRECONDITION_FAILED - does not get on");
   * await other.queueDeclare("goes-on");
   * ```
   */
  closeChannel(name: string, reason: string = "closed by an operator"): void {
    this.#operator.connections.closeChannel(name, reason);
  }

  // ---- what there is

  /**
   * Tells of exchanges, one after another. Each is described when it is its turn, so that looking at a
   * few costs little, and exchanges may come and go meanwhile.
   *
   * @param filter Which ones.
   * @throws {DefinitionError} At the first step, when there is no such vhost.
   */
  exchanges(filter: ExchangeFilter = {}): Generator<ExchangeInfo, void, undefined> {
    return this.#operator.objects.exchanges(filter);
  }

  /**
   * Tells of queues, one after another; as {@linkcode Broker.exchanges}.
   *
   * @param filter Which ones.
   * @throws {DefinitionError} At the first step, when there is no such vhost.
   */
  queues(filter: QueueFilter = {}): Generator<QueueInfo, void, undefined> {
    return this.#operator.objects.queues(filter);
  }

  /**
   * Tells of bindings, one after another; as {@linkcode Broker.exchanges}. The one that every queue has
   * with the default exchange is among them.
   *
   * @param filter Which ones.
   * @throws {DefinitionError} At the first step, when there is no such vhost.
   */
  bindings(filter: BindingFilter = {}): Generator<BindingInfo, void, undefined> {
    return this.#operator.objects.bindings(filter);
  }

  /**
   * Tells of connections that have entered a vhost, one after another; as {@linkcode Broker.exchanges}.
   *
   * @param filter Which ones.
   * @throws {DefinitionError} At the first step, when there is no such vhost.
   */
  connections(filter: ConnectionFilter = {}): Generator<ConnectionInfo, void, undefined> {
    return this.#operator.objects.connections(filter);
  }

  /**
   * Tells of channels, one after another; as {@linkcode Broker.exchanges}.
   *
   * @param filter Of which connections.
   * @throws {DefinitionError} At the first step, when there is no such vhost.
   */
  channels(filter: ConnectionFilter = {}): Generator<ChannelInfo, void, undefined> {
    return this.#operator.objects.channels(filter);
  }

  /**
   * Tells of consumers, one after another; as {@linkcode Broker.exchanges}. Consumers of direct replies
   * are not among them.
   *
   * @param filter Which ones.
   * @throws {DefinitionError} At the first step, when there is no such vhost.
   */
  consumers(filter: ConsumerFilter = {}): Generator<ConsumerInfo, void, undefined> {
    return this.#operator.objects.consumers(filter);
  }

  /**
   * How many messages died in queues since the broker started, in queues that are gone as well.
   *
   * @returns A row for each type of queues and what these do with the dead.
   */
  deaths(): DeathInfo[] {
    return describeDeaths(this.#parts.deaths);
  }

  /**
   * How often queues were declared since the broker started, also those that there were already. Asking
   * for one (`passive`) does not count, nor does what its user may not declare.
   */
  get queueDeclarations(): number {
    return this.#parts.events.queueDeclarations;
  }

  /**
   * How large the messages are that clients published since the broker started, as a histogram.
   *
   * @returns How many there were up to some sizes, and how many bytes in all.
   */
  messageSizes(): MessageSizesInfo {
    return describeSizes(this.#parts.messageSizes);
  }

  /**
   * What has been counted: messages published, delivered, acked. Who looks at it from time to time can
   * tell how fast that grows.
   *
   * @param kind What is of interest.
   * @returns One after another, so that others may get a chance to do something in between; vhosts all
   * at once, for which all channels are looked at: {@linkcode Broker.vhostMeters} does so with pauses.
   *
   * @example How much a queue has given away
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * const { queue } = await channel.queueDeclare();
   * await channel.basicPublish({ routingKey: queue }, "hello");
   * await channel.basicGet(queue, { noAck: true });
   * const [meter] = broker.meters("queue");
   * assertEquals(meter?.values["getNoAck"], 1);
   * ```
   */
  meters(kind: MeterKind): Generator<Meter, void, undefined> {
    return this.#operator.meters.all(kind);
  }

  /**
   * The same of all vhosts, summed up with pauses: however many channels there are, messages go on.
   *
   * @returns A meter for each vhost. What was counted before the call is in it; of what is counted until
   * it is done, some.
   *
   * @example How many messages were published
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * const { queue } = await channel.queueDeclare();
   * await channel.basicPublish({ routingKey: queue }, "hello");
   * await channel.basicGet(queue, { noAck: true });
   * const [meter] = await broker.vhostMeters();
   * assertEquals(meter?.values["publish"], 1);
   * ```
   */
  vhostMeters(): Promise<Meter[]> {
    return this.#operator.meters.ofVhosts.inSlices();
  }

  /**
   * The same of one thing.
   *
   * @param kind What it is.
   * @param name Its name.
   * @param options Which vhost, for queues and exchanges. Default: `/`.
   * @returns Undefined when there is none.
   */
  meter(
    kind: Exclude<MeterKind, "vhost">,
    name: string,
    options: InVhost = {},
  ): Meter | undefined {
    return this.#operator.meters.one(kind, name, options.vhost ?? "/");
  }

  /**
   * Counts what there is, without looking at each: what to take for a number that is asked for often.
   *
   * @param kind What is counted.
   * @param filter Of which vhost or user. Default: all.
   * @returns How many there are at this moment; none of a vhost that there is not.
   *
   * @example How many queues there are
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.declareQueue({ queue: "orders" });
   * assertEquals(broker.count("queue", { vhost: "/" }), 1);
   * ```
   */
  count(kind: MeterKind, filter: CountFilter = {}): number {
    return this.#operator.meters.count(kind, filter);
  }

  /**
   * Tells of the broker itself, and of the machine that it runs on.
   *
   * @returns What it is like at this moment.
   */
  node(): NodeInfo {
    return this.#parts.describe();
  }

  /**
   * Tells of all that there is, or of some of it, in plain objects that JSON can say. With many things
   * it takes some time, in which everything else goes on: what comes or goes meanwhile may be told of or
   * not.
   *
   * @param options A vhost, and which parts. Listeners belong to no vhost.
   * @throws {DefinitionError} When there is no such vhost, or it goes meanwhile.
   * @throws {TypeError} When there is no such part.
   *
   * @example Which queues nobody reads
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.declareQueue({ queue: "forgotten" });
   * const { queues } = await broker.snapshot({ vhost: "/", only: ["queues"] });
   * const unread = queues.filter(({ consumers }) => consumers === 0);
   * assertEquals(unread.map(({ name }) => name), ["forgotten"]);
   * ```
   */
  snapshot<Part extends SnapshotPart = SnapshotPart>(
    options: SnapshotOptions<Part> = {},
  ): Promise<BrokerSnapshot<Part>> {
    const { listeners, options: settings } = this.#parts;
    return takeSnapshot(this.#operator.objects, listeners.describe(), settings, options);
  }

  // ---- policies, parameters, definitions

  /**
   * Sets a policy: settings for all queues or exchanges whose names match, now and later. Of limits,
   * the smaller one of policy and `x-` argument counts; of all else the argument, except that a quorum
   * queue's overflow is the policy's.
   *
   * @param policy The policy. One that has its name is replaced.
   * @returns A promise that resolves once it is on disk, and all that there is obeys it. Few queues do at
   * once; of very many some do earlier than others, and messages go on meanwhile.
   * @throws {DefinitionError} When something about it is wrong, or there is no such vhost.
   *
   * @example Queues that keep their newest messages alone
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * await channel.queueDeclare("logs.today");
   * for (const text of ["one", "two", "three"]) {
   *   await channel.basicPublish({ routingKey: "logs.today" }, text);
   * }
   *
   * await broker.setPolicy({ name: "short", pattern: "^logs\\.", definition: { "max-length": 2 } });
   *
   * assertEquals((await channel.queueDeclare("logs.today")).messageCount, 2);
   * assertEquals(broker.appliedPolicy({ queue: "logs.today" })?.policy, "short");
   * ```
   */
  setPolicy(policy: PolicyOptions): Promise<void> {
    return this.#operator.policies.set("policy", policy);
  }

  /**
   * Deletes a policy; the next best takes effect.
   *
   * @param name Its name.
   * @param options Which vhost.
   * @returns A promise that resolves once it is on disk, and in effect.
   * @throws {DefinitionError} When there is none.
   */
  deletePolicy(name: string, options: InVhost = {}): Promise<void> {
    return this.#operator.policies.delete("policy", name, options);
  }

  /**
   * The policies, by vhost and name.
   *
   * @param options Which vhost; all of them when it is left out.
   */
  policies(options: InVhost = {}): Policy[] {
    return this.#operator.policies.list("policy", options);
  }

  /**
   * Sets an operator policy: limits beside the users' policies. The best of each list applies; where
   * both say something, the smaller number counts, and of all else what the operator says.
   *
   * @param policy The policy. One that has its name is replaced. It can say less than a user's:
   * `expires`, `message-ttl`, `max-length`, `max-length-bytes`, `overflow`, `delivery-limit` and a few
   * more.
   * @returns A promise that resolves once it is on disk, and in effect.
   * @throws {DefinitionError} When something about it is wrong, or there is no such vhost.
   */
  setOperatorPolicy(policy: PolicyOptions): Promise<void> {
    return this.#operator.policies.set("operator_policy", policy);
  }

  /**
   * Deletes an operator policy; the next best takes effect.
   *
   * @param name Its name.
   * @param options Which vhost.
   * @returns A promise that resolves once it is on disk, and in effect.
   * @throws {DefinitionError} When there is none.
   */
  deleteOperatorPolicy(name: string, options: InVhost = {}): Promise<void> {
    return this.#operator.policies.delete("operator_policy", name, options);
  }

  /**
   * The operator policies, by vhost and name.
   *
   * @param options Which vhost; all of them when it is left out.
   */
  operatorPolicies(options: InVhost = {}): Policy[] {
    return this.#operator.policies.list("operator_policy", options);
  }

  /**
   * Tells which policies apply to a queue or an exchange, and what they come to.
   *
   * @param thing Its name, and in which vhost it is.
   * @returns Undefined when there is no such queue or exchange.
   * @throws {DefinitionError} When there is no such vhost.
   */
  appliedPolicy(thing: PolicyHolder): AppliedPolicy | undefined {
    return this.#operator.policies.appliedTo(thing);
  }

  /**
   * Sets a runtime parameter of a vhost: something that a part of the broker is told. Any component is
   * taken, also one that nothing here listens to: the program hears of it by `parameter.set`. Over HTTP
   * only what the broker itself knows is taken.
   *
   * @param parameter The parameter. One of this component and name is replaced.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When the component does not take the value, or there is no such vhost.
   */
  setParameter(parameter: ParameterOptions): Promise<void> {
    return this.#operator.parameters.set(parameter);
  }

  /**
   * Deletes a runtime parameter.
   *
   * @param parameter Which one.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is none.
   */
  deleteParameter(parameter: Omit<ParameterOptions, "value">): Promise<void> {
    return this.#operator.parameters.delete(parameter);
  }

  /**
   * The runtime parameters, operator policies and limits included, by vhost, component and name.
   *
   * @param options Which vhost and component; all of them when they are left out.
   */
  parameters(options: InVhost & { readonly component?: string } = {}): Parameter[] {
    return this.#operator.parameters.list(options);
  }

  /**
   * Sets a parameter that belongs to no vhost.
   *
   * @param name Its name. One that has it is replaced.
   * @param value Anything that JSON can say.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When the value is not JSON.
   */
  setGlobalParameter(name: string, value: JsonValue): Promise<void> {
    return this.#operator.parameters.setGlobal(name, value);
  }

  /**
   * Deletes a parameter that belongs to no vhost.
   *
   * @param name Its name.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is none.
   */
  deleteGlobalParameter(name: string): Promise<void> {
    return this.#operator.parameters.deleteGlobal(name);
  }

  /** The parameters that belong to no vhost, by name. */
  globalParameters(): readonly { readonly name: string; readonly value: JsonValue }[] {
    return this.#parts.vhosts.globalParameters;
  }

  /**
   * Tells all that the broker was told, as RabbitMQ's definitions file has it: users with the hashes
   * of their passwords, permissions, vhosts, exchanges, queues, bindings, policies and parameters.
   * Neither messages nor exclusive queues.
   *
   * RabbitMQ cannot verify passwords that were hashed with scrypt. It takes these users without a
   * password, so nobody can log in as them there until they are given one. A broker imports them whole.
   *
   * @param options One vhost; all of them when it is left out.
   * @returns What `JSON.stringify` makes a file of that RabbitMQ imports.
   * @throws {DefinitionError} When there is no such vhost.
   *
   * @example From one broker into another
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using one = new Broker();
   * await one.setPolicy({ name: "ttl", pattern: "", definition: { "message-ttl": 60_000 } });
   * await using other = new Broker();
   * await other.importDefinitions(JSON.stringify(one.exportDefinitions()));
   * assertEquals(other.policies(), one.policies());
   * ```
   */
  exportDefinitions(options: InVhost = {}): JsonObject {
    return this.#operator.definitions.export(options);
  }

  /**
   * The same with sections whose entries are not made yet, for whoever makes a long file in parts. Which
   * things are in it is what there was when it was asked for.
   *
   * @param options One vhost; all of them when it is left out.
   * @throws {DefinitionError} When there is no such vhost.
   *
   * @example The names of all queues, one after another
   * ```ts
   * import { Broker, DefinitionSection } from "@warren/amqp";
   * import { assert, assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.declareQueue({ queue: "orders", durable: true });
   * const { queues } = broker.definitionSections();
   * assert(queues instanceof DefinitionSection);
   * for (const part of queues.parts()) {
   *   for (const entry of part) assertEquals(entry.describe()["name"], "orders");
   * }
   * ```
   */
  definitionSections(options: InVhost = {}): DefinitionSections {
    return this.#operator.definitions.sections(options);
  }

  /**
   * Tells how many entries each section of a definitions file would have, without making it.
   *
   * @param options One vhost; all of them when it is left out.
   * @returns The counts by the names of the sections.
   * @throws {DefinitionError} When there is no such vhost.
   *
   * @example How much a file would say
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.declareQueue({ queue: "orders", durable: true });
   * assertEquals(broker.definitionCounts()["queues"], 1);
   * ```
   */
  definitionCounts(options: InVhost = {}): Readonly<Record<string, number>> {
    return this.#operator.definitions.counts(options);
  }

  /**
   * Imports a definitions file of RabbitMQ or of {@linkcode Broker.exportDefinitions}. Nothing is
   * deleted: exchanges, queues and bindings that exist stay as they are, even if the file says
   * otherwise; users, permissions, vhosts, policies and parameters are replaced. Users keep the
   * passwords that they had in RabbitMQ.
   *
   * @param definitions The file's text, its bytes in UTF-8, or what it says.
   * @param options The vhost to import into, for the definitions of a single vhost; who may use vhosts
   * that are new.
   * @returns A promise that resolves once it is on disk. Of a long file this takes several turns, in
   * which messages go on, and others may change things.
   * @throws {DefinitionError} At the first entry that cannot be. What came before it stays.
   */
  importDefinitions(
    definitions: string | Uint8Array | JsonObject,
    options: ImportDefinitionsOptions = {},
  ): Promise<void> {
    return this.#operator.definitions.import(definitions, options);
  }

  /**
   * Lists the messages that an `x-delayed-message` exchange holds back, in order of the time when they
   * go on.
   *
   * @param where The exchange.
   * @param page Which part of them.
   * @throws {DefinitionError} When there is no such exchange, or no such vhost.
   * @throws {RangeError} When offset or limit is no whole number, or less than none.
   * @throws {StoreError} When the disk does not give them at present.
   *
   * @example See what waits, send one message at once and call the others off
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * await channel.exchangeDeclare("later", "x-delayed-message", {
   *   arguments: { "x-delayed-type": "direct" },
   * });
   * await channel.queueDeclare("mails");
   * await channel.queueBind({ queue: "mails", exchange: "later", routingKey: "mails" });
   * await channel.confirmSelect();
   * for (const [minutes, body] of [[60, "reminder"], [5, "welcome"], [90, "survey"]] as const) {
   *   const properties = { headers: { "x-delay": minutes * 60_000 } };
   *   await channel.basicPublish({ exchange: "later", routingKey: "mails", properties }, body);
   * }
   *
   * const [first] = broker.delayedMessages({ exchange: "later" }, { limit: 1 });
   * assertEquals([first!.routingKey, first!.size], ["mails", "welcome".length]);
   * await broker.publishDelayedMessages({ exchange: "later" }, [first!.id]);
   * assertEquals((await channel.basicGet("mails"))?.text(), "welcome");
   *
   * assertEquals(await broker.cancelDelayedMessages({ exchange: "later" }, "all"), 2);
   * assertEquals(broker.delayedMessageCount({ exchange: "later" }), 0);
   * ```
   */
  delayedMessages(where: InExchange, page: PageOptions = {}): DelayedMessage[] {
    return this.#operator.delayed.list(where, page);
  }

  /**
   * Counts the messages that an exchange holds back.
   *
   * @param where The exchange.
   * @throws {DefinitionError} When there is no such exchange, or no such vhost.
   */
  delayedMessageCount(where: InExchange): number {
    return this.#operator.delayed.count(where);
  }

  /**
   * Forgets messages that an exchange holds back: they never reach a queue.
   *
   * @param where The exchange.
   * @param ids Which ones, as {@linkcode Broker.delayedMessages} tells them; those that have gone on
   * already are passed over. Each call looks at all that wait, so many ids in one are better.
   * @returns How many were forgotten, once that is on disk.
   * @throws {DefinitionError} When there is no such exchange, or no such vhost.
   */
  cancelDelayedMessages(where: InExchange, ids: readonly number[] | "all"): Promise<number> {
    return this.#operator.delayed.cancel(where, ids);
  }

  /**
   * Publishes messages that an exchange holds back before their time, in order of it.
   *
   * @param where The exchange.
   * @param ids Which ones, as {@linkcode Broker.delayedMessages} tells them; those that have gone on
   * already are passed over.
   * @returns How many were published, once that is on disk: fewer when the store takes no more, and
   * the rest waits on.
   * @throws {DefinitionError} When there is no such exchange, or no such vhost.
   */
  publishDelayedMessages(where: InExchange, ids: readonly number[] | "all"): Promise<number> {
    return this.#operator.delayed.publish(where, ids);
  }

  /**
   * Looks at the messages that wait in a queue, those included that wait for another try, in the order
   * in which they came in. They stay where they are. What consumers have not acked yet is not among
   * them. Of a stream, these are the messages from an offset on.
   *
   * A page ends early when its bodies and headers come to some megabytes, or when much had to be read
   * from disk for it; there are no more when it is empty.
   *
   * @param where The queue.
   * @param options Which messages, and how much of them.
   * @throws {DefinitionError} When there is no such queue, or no such vhost.
   * @throws {RangeError} When an option is no whole number, or too small.
   * @throws {StoreError} When the disk does not give them at present.
   *
   * @example Look, remove one message and move the rest
   * ```ts
   * import { Broker } from "@warren/amqp";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = new Broker();
   * await using connection = await broker.connect();
   * const channel = await connection.openChannel();
   * await channel.queueDeclare("orders");
   * await channel.queueDeclare("parked");
   * await channel.confirmSelect();
   * for (const body of ["1", "broken", "2"]) {
   *   await channel.basicPublish({ routingKey: "orders" }, body);
   * }
   *
   * const text = (body: Uint8Array) => new TextDecoder().decode(body);
   * const page = broker.queuedMessages({ queue: "orders" }, { limit: 2 });
   * assertEquals(page.map(({ body }) => text(body)), ["1", "broken"]);
   * const [next] = broker.queuedMessages({ queue: "orders" }, { after: page[1]!.id });
   * assertEquals(text(next!.body), "2");
   *
   * await broker.deleteQueuedMessages({ queue: "orders" }, [page[1]!.id]);
   * const parked = { exchange: "", routingKey: "parked" };
   * assertEquals(await broker.moveQueuedMessages({ queue: "orders" }, "all", parked), 2);
   * assertEquals((await channel.basicGet("parked"))?.text(), "1");
   * ```
   */
  queuedMessages(where: InQueue, options: BrowseOptions = {}): QueuedMessage[] {
    return this.#operator.queued.list(where, options);
  }

  /**
   * Drops messages that wait in a queue. They are not dead-lettered.
   *
   * @param where The queue.
   * @param ids Which ones, as {@linkcode Broker.queuedMessages} tells them; those that do not wait any
   * more are passed over. `all` purges the queue.
   * @returns How many were dropped, once that is on disk.
   * @throws {DefinitionError} When there is no such queue, no such vhost, or it is a stream.
   */
  deleteQueuedMessages(where: InQueue, ids: readonly number[] | "all"): Promise<number> {
    return this.#operator.queued.delete(where, ids);
  }

  /**
   * Publishes messages that wait in a queue to an exchange, with all their properties, and drops them
   * from the queue. Each is safe at its new place before it is gone from the old one.
   *
   * @param where The queue.
   * @param ids Which ones, as {@linkcode Broker.queuedMessages} tells them; those that do not wait any
   * more are passed over. `all` are as many as are ready now.
   * @param to The exchange, and the routing key if it is to be another one.
   * @returns How many were moved, once that is on disk. It ends at the first that goes nowhere or is
   * refused: that one and the rest stay.
   * @throws {DefinitionError} When there is no such queue, exchange or vhost, it is a stream, or the
   * routing key is longer than 255 bytes.
   */
  moveQueuedMessages(
    where: InQueue,
    ids: readonly number[] | "all",
    to: MoveAddress,
  ): Promise<number> {
    return this.#operator.queued.move(where, ids, to);
  }

  // ---- users

  /**
   * Adds a user. It may not enter any vhost before {@linkcode Broker.setPermissions} says so.
   *
   * @param name Its name.
   * @param options Password, tags and limits. The password is hashed before it is kept, which takes some
   * tenths of a second and no time of this thread.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is such a user, or something about it is wrong.
   *
   * @example A user with a queue of its own
   * ```ts
   * import { AmqpError, Broker, connect } from "@warren/amqp";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.addUser("billing", { password: "s3cret" });
   * const mine = "^billing\\.";
   * await broker.setPermissions({ user: "billing", configure: mine, write: mine, read: mine });
   *
   * await using server = await broker.listen({ port: 0 });
   * await using connection = await connect(`amqp://billing:s3cret@127.0.0.1:${server.port}`);
   * const channel = await connection.openChannel();
   * await channel.queueDeclare("billing.jobs");
   * const error = await assertRejects(() => channel.queueDeclare("orders"), AmqpError);
   * assertEquals(
   *   error.message,
   *   "ACCESS_REFUSED - configure access to queue 'orders' in vhost '/' refused for user 'billing'",
   * );
   * ```
   */
  addUser(name: string, options: UserOptions = {}): Promise<void> {
    return this.#operator.users.add(name, options);
  }

  /**
   * Sets a user's password in place of the old one. Its connections stay.
   *
   * @param name The user.
   * @param password The password. Null: none lets it in any more.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such user, or the password is empty.
   */
  changePassword(name: string, password: string | null): Promise<void> {
    return this.#operator.users.changePassword(name, password);
  }

  /**
   * Deletes a user with its permissions. Its connections are closed with 320 CONNECTION_FORCED.
   *
   * @param name The user.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such user.
   */
  deleteUser(name: string): Promise<void> {
    return this.#operator.users.delete(name);
  }

  /**
   * Sets a user's tags in place of the old ones.
   *
   * @param name The user.
   * @param tags What it is: `administrator`, `monitoring`, `policymaker`, `management`, `impersonator`
   * who may publish in the name of others, or any other word.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such user.
   */
  setUserTags(name: string, tags: readonly string[]): Promise<void> {
    return this.#operator.users.setTags(name, tags);
  }

  /**
   * Limits what a user may have. Limits that were set before are replaced; what is open already stays.
   *
   * @param name The user.
   * @param limits The limits; one that is left out, or is negative, is none.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such user, or a limit is no whole number.
   *
   * @example One connection and no more
   * ```ts
   * import { AmqpError, Broker } from "@warren/amqp";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.setUserLimits("guest", { maxConnections: 1 });
   * await using _connection = await broker.connect({ user: "guest" });
   * const error = await assertRejects(() => broker.connect({ user: "guest" }), AmqpError);
   * assertEquals(
   *   error.message,
   *   "NOT_ALLOWED - connection refused for user 'guest': user connection limit (1) is reached",
   * );
   * ```
   */
  setUserLimits(name: string, limits: UserLimits): Promise<void> {
    return this.#operator.users.setLimits(name, limits);
  }

  /**
   * The users as definitions files have them: with the hashes of their passwords.
   *
   * @param options Which user; all of them when it is left out.
   * @returns Their entries, by name.
   * @throws {DefinitionError} When there is no such user.
   */
  userDefinitions(options: Pick<OfUser, "user"> = {}): JsonObject[] {
    return this.#operator.users.definitions(options);
  }

  /** True when there is such a user. */
  hasUser(name: string): boolean {
    return this.#operator.users.has(name);
  }

  /**
   * The users, by name.
   *
   * @param options Which user; all of them when it is left out.
   * @throws {DefinitionError} When there is no such user.
   */
  users(options: Pick<OfUser, "user"> = {}): UserInfo[] {
    return this.#operator.users.list(options);
  }

  /**
   * Tells whether a password is the one of a user. An empty one never is.
   *
   * @param name The user.
   * @param password The password.
   */
  authenticateUser(name: string, password: string): Promise<boolean> {
    return this.#operator.users.authenticate(name, password);
  }

  /**
   * Sets what a user may do in a vhost, in place of what it might before. It holds for connections that
   * are open, too; what they consume already goes on.
   *
   * @param permissions Three regular expressions that are looked for anywhere in the names of queues and
   * exchanges; the default exchange is called `amq.default`. `.*` permits everything, an empty one
   * nothing.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such user or vhost, or an expression is malformed or
   * could take too long.
   *
   * @example Read, and nothing else
   * ```ts
   * import { AmqpError, Broker } from "@warren/amqp";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.addUser("auditor");
   * await broker.setPermissions({ user: "auditor", configure: "", write: "", read: ".*" });
   *
   * await using connection = await broker.connect({ user: "auditor" });
   * const channel = await connection.openChannel();
   * const error = await assertRejects(() => channel.queueDeclare("audit"), AmqpError);
   * assertEquals(error.replyCode, 403);
   * ```
   */
  setPermissions(permissions: PermissionOptions): Promise<void> {
    return this.#operator.permissions.set(permissions);
  }

  /**
   * A user may do nothing in a vhost any more, and cannot enter it. Connections that are there stay.
   *
   * @param user The user.
   * @param options Which vhost.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such user or vhost.
   */
  clearPermissions(user: string, options: InVhost = {}): Promise<void> {
    return this.#operator.permissions.clear(user, options.vhost);
  }

  /**
   * What users may do, by user and vhost.
   *
   * @param options Which user and which vhost; all of them when they are left out.
   * @throws {DefinitionError} When there is no such user or vhost.
   */
  permissions(options: OfUser = {}): UserPermissions[] {
    return this.#operator.permissions.list(options);
  }

  /**
   * Sets which routing keys a user may use with a topic exchange, besides what its permissions say of the
   * exchange. Where nothing is set, all of them.
   *
   * @param permissions Two regular expressions: for the keys of messages that it publishes, those of the
   * headers `CC` and `BCC` included, and for the keys that it binds with. `{username}` and `{vhost}` in
   * them stand for what they say.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such user or vhost, or an expression is malformed or
   * could take too long.
   *
   * @example Each user publishes below its own name
   * ```ts
   * import { AmqpError, Broker } from "@warren/amqp";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * await using broker = new Broker();
   * await broker.addUser("alice");
   * await broker.setPermissions({ user: "alice", configure: "", write: "^amq.topic$", read: "" });
   * const write = "^{username}\\.";
   * await broker.setTopicPermissions({ user: "alice", exchange: "amq.topic", write, read: "" });
   *
   * await using connection = await broker.connect({ user: "alice" });
   * const channel = await connection.openChannel();
   * await channel.confirmSelect();
   * await channel.basicPublish({ exchange: "amq.topic", routingKey: "alice.news" }, "");
   * const error = await assertRejects(
   *   async () => await channel.basicPublish({ exchange: "amq.topic", routingKey: "bob.news" }, ""),
   *   AmqpError,
   * );
   * assertEquals(error.replyCode, 403);
   * ```
   */
  setTopicPermissions(permissions: TopicPermissionOptions): Promise<void> {
    return this.#operator.permissions.setTopic(permissions);
  }

  /**
   * A user may use any routing key again.
   *
   * @param user The user.
   * @param options Which vhost, and which exchange; all exchanges there when it is left out.
   * @returns A promise that resolves once it is on disk.
   * @throws {DefinitionError} When there is no such user or vhost.
   */
  clearTopicPermissions(
    user: string,
    options: InVhost & { readonly exchange?: string } = {},
  ): Promise<void> {
    return this.#operator.permissions.clearTopic(user, options.vhost, options.exchange);
  }

  /**
   * Which routing keys users may use, by user, vhost and exchange.
   *
   * @param options Which user and which vhost; all of them when they are left out.
   * @throws {DefinitionError} When there is no such user or vhost.
   */
  topicPermissions(options: OfUser = {}): TopicPermissions[] {
    return this.#operator.permissions.listTopic(options);
  }

  // ---- the end

  /** Stops listening, closes all connections with 320 CONNECTION_FORCED and forgets everything. */
  close(): Promise<void> {
    return this.#closed ??= this.#parts.close();
  }

  /** As {@linkcode Broker.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

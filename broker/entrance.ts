import { AmqpError } from "./amqp/error.ts";
import { Heartbeat } from "./amqp/heartbeat.ts";
import { SparseLog } from "./amqp/sparse_log.ts";
import { MemoryLink } from "./amqp/memory_link.ts";
import type { MessageTracer } from "./amqp/tracer.ts";
import { type Endpoint, endpointName, type Transport } from "./amqp/transport.ts";
import type { WireLink } from "./amqp/wire_link.ts";
import type { User } from "./auth/authenticator.ts";
import { ALL_RIGHTS } from "./auth/authorization.ts";
import type { Logins } from "./auth/logins.ts";
import type { Connection } from "../client/connection.ts";
import { AckTimeouts } from "./connection/ack_timeouts.ts";
import { ALL_CAPABILITIES } from "./connection/capabilities.ts";
import { BrokerConnection, type ConnectionLimits } from "./connection/connection.ts";
import type { Authority } from "./connection/credential.ts";
import { NodeChannels } from "./connection/node_channels.ts";
import { SlowReaders } from "./connection/slow_readers.ts";
import { SlowSenders } from "./connection/slow_senders.ts";
import type { HeapGuard } from "./heap_guard.ts";
import { ConnectionGate } from "./connection_gate.ts";
import type { CompleteOptions } from "./options.ts";
import { closeAll, ServedConnections } from "./server.ts";
import type { Resources } from "./resources.ts";
import { serverProperties } from "./server_properties.ts";
import type { LoginOptions, LoginResult, Session } from "./session.ts";
import { UserConnections } from "./user_connections.ts";
import type { VirtualHost, Visitor } from "./vhost/vhost.ts";
import type { VirtualHosts } from "./virtual_hosts.ts";

/** While V8's heap is full so many sockets may be on their way in, to be told in AMQP why they may not; more
 * are dropped before anything is spent on them. */
const STRANGERS_MAX = 64;

/** What a program is called that connects to its own broker without saying as whom. */
const PROGRAM: User = { name: "guest" };

/** So many clients of an address that did not log in are logged in a second, before they are only counted. */
const IDLERS_LOGGED = 20;

/** The client's end. Whoever imports mod.ts has it already; a broker that is only served need not load it.
 * Importing it again would take a round of the event loop each time. */
let client: Promise<typeof import("../client/connection.ts")> | undefined;

function loadClient(): Promise<typeof import("../client/connection.ts")> {
  const loading = import("../client/connection.ts");
  // whoever comes next tries again
  loading.catch(() => client = undefined);
  return loading;
}

/** What serves sockets. */
type Sockets = typeof import("./sockets.ts");

/** What decides who may come in. */
export interface EntranceOptions {
  /** Those of the broker. */
  readonly options: CompleteOptions;
  /** Where connections lead. */
  readonly vhosts: VirtualHosts;
  /** What may keep their clients from publishing. */
  readonly resources: Resources;
  /** What may keep them from coming in, and from opening channels. */
  readonly heap: HeapGuard;
  /** Who is let in, and what he may do. */
  readonly logins: Logins;
}

/** A socket that has entered a vhost and is not among the connections yet. */
interface Entering extends Visitor {
  readonly user: User;
  readonly vhost: VirtualHost;
}

/** The way in: makes connections of sockets, and of neighbours in the same process. */
export class Entrance {
  readonly #options: CompleteOptions;
  readonly #vhosts: VirtualHosts;
  readonly #resources: Resources;
  readonly #heap: HeapGuard;
  readonly #logins: Logins;
  /** The connections by user; the program's own are nobody's. */
  readonly users: UserConnections;
  readonly #ackTimeouts: AckTimeouts;
  readonly #nodeChannels: NodeChannels;
  readonly #slowReaders: SlowReaders;
  readonly #slowSenders: SlowSenders<WireLink>;
  readonly #gate: ConnectionGate;
  readonly #sparseLog: SparseLog;
  readonly #connections = new Set<BrokerConnection>();
  readonly #entering = new Set<Entering>();
  #sockets: Sockets | undefined;
  /** How many of them are not of this process. */
  #guests = 0;
  #localConnections = 0;
  #stopped = false;
  #closed = false;

  constructor({ options, vhosts, resources, heap, logins }: EntranceOptions) {
    this.#options = options;
    this.#vhosts = vhosts;
    this.#resources = resources;
    this.#heap = heap;
    this.#logins = logins;
    this.users = new UserConnections(() => logins.authorization);
    resources.onMemory = () => {
      for (const connection of this.#connections) connection.offerRoom();
    };
    this.#ackTimeouts = new AckTimeouts(options.clock);
    this.#slowReaders = new SlowReaders(options.clock, options.writeTimeoutMs || Infinity);
    this.#slowSenders = new SlowSenders(
      options.clock,
      options.readTimeoutMs || Infinity,
      (link) => this.#dropSlowSender(link),
    );
    this.#gate = new ConnectionGate({
      ...options,
      isCrowded: (sockets) => !heap.hasRoom("socket") && sockets - this.#guests >= STRANGERS_MAX,
    });
    this.#sparseLog = new SparseLog(options.clock, options.logger, IDLERS_LOGGED);
    this.#nodeChannels = new NodeChannels(options.nodeName, options.channelMaxPerNode);
  }

  /** Those that have entered, oldest first. */
  get connections(): ReadonlySet<BrokerConnection> {
    return this.#connections;
  }

  /**
   * Connects from this process.
   *
   * @param userName Undefined: as the program itself, which may do everything.
   */
  connect(
    vhostName: string,
    userName: string | undefined,
    tracer?: MessageTracer,
  ): Promise<Connection> {
    const user = userName === undefined ? undefined : { name: userName };
    return this.#connectAs(vhostName, user, tracer);
  }

  /** Lets somebody in who did not come over AMQP, but is no program of ours either. */
  async login(options: LoginOptions): Promise<LoginResult> {
    const { name, password, peerHostname, peerPort } = options;
    const attempt = {
      mechanism: "PLAIN",
      response: new TextEncoder().encode(`\0${name}\0${password}`),
      peerHostname,
      quiet: true,
      get gone() {
        return options.gone;
      },
    };
    const peer = peerPort === undefined
      ? peerHostname
      : endpointName({ hostname: peerHostname, port: peerPort });
    const outcome = await this.#logins.guard.login(attempt, peer, peer);
    return "user" in outcome ? { session: this.#session(outcome.user) } : outcome;
  }

  #session(user: User): Session {
    const authorization = this.#logins.authorization;
    return {
      user: user.name,
      get tags() {
        return authorization.tags(user);
      },
      mayEnter: (vhost) => authorization.mayEnter(user, vhost),
      require: (permission, vhost, thing) => {
        if (!authorization.mayEnter(user, vhost)) throw notAdmitted(user, vhost);
        const [kind, name] = "queue" in thing
          ? ["queue", thing.queue] as const
          : ["exchange", thing.exchange] as const;
        authorization.rights(user, vhost).restrictions?.require(permission, kind, name);
      },
      connect: (vhost) => this.#connectAs(vhost, user),
    };
  }

  async #connectAs(
    vhostName: string,
    known: User | undefined,
    tracer?: MessageTracer,
  ): Promise<Connection> {
    const { Connection } = await (client ??= loadClient());
    if (this.#closed) throw new AmqpError(320, "broker is closed");
    if (this.#stopped) throw new AmqpError(320, "broker is stopped");
    const user = known ?? PROGRAM;
    const vhost = known === undefined
      ? this.#enter(vhostName, user)
      : this.#enterAs(vhostName, user);
    const { channelMax, clock, profile } = this.#options;
    const [brokerEnd, clientEnd] = MemoryLink.pair();
    const name = `local-${++this.#localConnections}`;
    const brokerConnection = new BrokerConnection({
      name,
      link: brokerEnd,
      abort: () => brokerEnd.close(),
      limitReads: undefined,
      vhost,
      user,
      rights: known === undefined
        ? ALL_RIGHTS
        : this.#logins.authorization.rights(user, vhost.name),
      authority: known === undefined ? undefined : this.#authority(vhost, name),
      checkRoomForChannel: known === undefined ? undefined : () => this.users.checkChannels(user),
      nodeChannels: known === undefined
        ? this.#nodeChannels
        : this.users.channelsOf(user, this.#nodeChannels),
      capabilities: ALL_CAPABILITIES,
      clientProperties: { connection_name: name },
      // a program may take its time, unless somebody said otherwise of a queue
      limits: this.#limits(channelMax, Infinity),
      ...this.#shared(),
      onClosed: (closed) => this.#forget(closed),
    });
    this.#note(brokerConnection);
    if (known !== undefined) this.users.add(brokerConnection);
    brokerEnd.attach(brokerConnection);
    return Connection.over(clientEnd, {
      channelMax,
      serverProperties: serverProperties(profile.version, this.#vhosts.clusterName),
      clock,
      tracer,
      attach: (receiver) => clientEnd.attach(receiver),
    });
  }

  /** The SASL mechanisms that are offered. */
  get mechanisms(): readonly string[] {
    return this.#logins.guard.mechanisms;
  }

  /**
   * Somebody has connected, and nothing is known of him but where from.
   *
   * @returns To be called when he has gone; undefined when he may not come in.
   */
  admit(peer: Endpoint): (() => void) | undefined {
    return this.#gate.enter(peer);
  }

  /** Loads what serves sockets. Must be done before the first of them comes. */
  async sockets(): Promise<Sockets> {
    return this.#sockets ??= await import("./sockets.ts");
  }

  /** One more place where sockets come from. */
  served(): ServedConnections {
    return new ServedConnections((transport, opening) => this.#serve(transport, opening));
  }

  /** Lets nobody in any more who waits for his turn to log in. */
  closeLogins(): void {
    this.#logins.closeGuard();
    this.#sparseLog.close();
  }

  /** Closes all connections as in a shutdown, and lets nobody in from this process. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await closeAll(this.#connections);
  }

  /** Lets them in again. */
  start(): void {
    this.#stopped = false;
  }

  /** Closes all connections because of a shutdown. */
  close(): Promise<void> {
    this.#closed = true;
    return closeAll(this.#connections);
  }

  /** The life of one socket. Resolves with its connection; undefined when it never became one. */
  async #serve(
    transport: Transport,
    opening: Set<WireLink>,
  ): Promise<BrokerConnection | undefined> {
    const { clock, frameMax, channelMax, logger, profile } = this.#options;
    const { WireLink, shakeHands } = this.#sockets!;
    const link = new WireLink(transport, {
      frameMax: smallerLimit(frameMax, this.#options.handshakeFrameMax),
      highWater: this.#options.outgoingBufferMax,
      tableDepthMax: this.#options.tableDepthMax,
    });
    const name = nameOf(transport);
    opening.add(link);
    let entering: Entering | undefined;
    const agreed = await shakeHands(link, {
      clock,
      timeoutMs: this.#options.handshakeTimeoutMs,
      name,
      guard: this.#logins.guard,
      serverProperties: serverProperties(profile.version, this.#vhosts.clusterName),
      profile,
      offered: { channelMax, frameMax, heartbeat: this.#options.heartbeatSeconds },
      // it counts from now on, though the two ends have still to part
      enterVhost: (vhostName, user) => {
        const vhost = this.#enterAs(vhostName, user);
        if (!this.#heap.hasRoom("connection")) {
          throw new AmqpError(
            530,
            "connection refused: the broker's memory is nearly used up",
          );
        }
        entering = { user, vhost, close: () => link.abort() };
        vhost.connections.add(entering);
        this.#entering.add(entering);
        this.users.add(entering);
        return vhost;
      },
      logger,
      sparseLog: this.#sparseLog,
    });
    opening.delete(link);
    if (entering !== undefined) {
      entering.vhost.connections.delete(entering);
      this.#entering.delete(entering);
      this.users.delete(entering);
      entering = undefined;
    }
    if (agreed === undefined) return undefined;

    const { user, vhost } = agreed;
    const heartbeat = new Heartbeat({
      clock,
      intervalSeconds: agreed.tuned.heartbeat,
      link,
      reading: () => connection.reading && !link.waitsForTurn,
      heard: () => link.signsOfLife,
      dead: () => link.abort(new Error("no heartbeat came")),
    });
    const connection: BrokerConnection = new BrokerConnection({
      name,
      link,
      abort: () => link.abort(),
      limitReads: (bytes) => link.readMax = bytes,
      vhost,
      user,
      rights: this.#logins.authorization.rights(user, vhost.name),
      authority: this.#authority(vhost, name),
      checkRoomForChannel: () => this.users.checkChannels(user),
      nodeChannels: this.users.channelsOf(user, this.#nodeChannels),
      heap: this.#heap,
      capabilities: agreed.capabilities,
      clientProperties: agreed.clientProperties,
      limits: this.#limits(agreed.tuned.channelMax, this.#options.consumerTimeoutMs || Infinity),
      network: {
        peer: transport.peer,
        local: transport.local,
        frameMax: agreed.tuned.frameMax,
        heartbeat: agreed.tuned.heartbeat,
        mechanism: agreed.mechanism,
        tls: transport.tls,
        certificate: agreed.certificate,
        traffic: link,
      },
      ...this.#shared(),
      onClosed: (closed) => {
        heartbeat.stop();
        this.#slowReaders.forget(link);
        this.#slowSenders.forget(link);
        this.#forget(closed);
      },
    });
    this.#note(connection);
    this.users.add(connection);
    logger.log("info", `connection ${name}: user '${user.name}' entered vhost '${vhost.name}'`);
    link.onRead = (bytes) => connection.noteRead(bytes);
    this.#slowReaders.watch(link, () => {
      const { writeTimeoutMs } = this.#options;
      const what = `${link.bytesWaiting} bytes that wait for it`;
      const within = `within ${writeTimeoutMs} ms`;
      logger.log("warning", `connection ${name}: took next to none of ${what} ${within}`);
      link.abort(new Error("the peer does not read"));
    });
    this.#slowSenders.watch(link);
    link.run(connection);
    // either may have been deleted since the handshake was done
    if (this.#vhosts.find(vhost.name) !== vhost) connection.close(vhost.deletedError());
    else if (!this.#logins.authorization.mayEnter(user, vhost.name)) {
      connection.close(notAdmitted(user, vhost.name));
    }
    return connection;
  }

  /**
   * Finds the vhost that a client wants to enter. The checks stand in RabbitMQ's order.
   *
   * @throws {AmqpError} 530 when it cannot, may not, or has as many connections as it may have.
   */
  #enterAs(name: string, user: User): VirtualHost {
    const vhost = this.#enter(name, user);
    this.users.checkConnections(user);
    if (!this.#logins.authorization.mayEnter(user, name)) throw notAdmitted(user, name);
    return vhost;
  }

  /**
   * The same for somebody who may enter them all.
   *
   * @throws {AmqpError} 530 when there is none, or there are as many connections as there may be.
   */
  #enter(name: string, user: User): VirtualHost {
    const { connectionMax } = this.#options;
    if (this.#connections.size + this.#entering.size >= connectionMax) {
      throw new AmqpError(
        530,
        `connection refused: node connection limit (${connectionMax}) is reached`,
      );
    }
    return this.#vhosts.enter(name, user.name);
  }

  /** Who decides about the user of a connection that has entered a vhost. */
  #authority(vhost: VirtualHost, connection: string): Authority {
    return {
      renew: (user, secret) => this.#logins.guard.renew(user, secret, connection),
      rights: (user) => {
        if (!this.#logins.authorization.mayEnter(user, vhost.name)) {
          throw notAdmitted(user, vhost.name);
        }
        return this.#logins.authorization.rights(user, vhost.name);
      },
    };
  }

  #limits(channelMax: number, consumerTimeoutMs: number): ConnectionLimits {
    const { messageSizeMax, consumerMaxPerChannel: consumerMax } = this.#options;
    const { unackedBytesMaxPerChannel: unackedBytesMax, txMessageMaxPerChannel: txMessageMax } =
      this.#options;
    const { waitingBytesMaxPerConnection: waitingBytesMax } = this.#options;
    return {
      channelMax,
      messageSizeMax,
      consumerMax,
      txMessageMax,
      consumerTimeoutMs,
      unackedBytesMax,
      waitingBytesMax,
    };
  }

  /** What all connections share. */
  #shared() {
    const { clock, logger, profile } = this.#options;
    return {
      clock,
      logger,
      profile,
      alarms: this.#resources.alarms,
      memory: this.#resources.memory,
      ackTimeouts: this.#ackTimeouts,
    };
  }

  #dropSlowSender(link: WireLink): void {
    const { logger, readTimeoutMs } = this.#options;
    const what = `next to nothing of the rest of what it had begun within ${readTimeoutMs} ms`;
    logger.log("warning", `connection ${nameOf(link.transport)}: sent ${what}`);
    link.abort(new Error("the peer does not finish what it has begun"));
  }

  #note(connection: BrokerConnection): void {
    this.#connections.add(connection);
    if (connection.network !== undefined) this.#guests++;
    connection.vhost.connections.add(connection);
  }

  #forget(connection: BrokerConnection): void {
    if (this.#connections.delete(connection)) {
      connection.vhost.counts.connectionGoes(connection);
      if (connection.network !== undefined) this.#guests--;
    }
    connection.vhost.connections.delete(connection);
    this.users.delete(connection);
  }
}

function nameOf({ peer, local }: Transport): string {
  return `${endpointName(peer)} -> ${endpointName(local)}`;
}

function notAdmitted({ name }: User, vhost: string): AmqpError {
  return new AmqpError(530, `access to vhost '${vhost}' refused for user '${name}'`);
}

/** The lower of two limits, where 0 is none. */
function smallerLimit(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

import type { Alarms } from "./alarms.ts";
import { AmqpError } from "./amqp/error.ts";
import { Heartbeat } from "./amqp/heartbeat.ts";
import { MemoryLink } from "./amqp/memory_link.ts";
import { endpointName, type Transport } from "./amqp/transport.ts";
import { WireLink } from "./amqp/wire_link.ts";
import type { User } from "./auth/authenticator.ts";
import { ALL_RIGHTS, type Authorization } from "./auth/authorization.ts";
import type { LoginGuard } from "./auth/login_guard.ts";
import type { UserObserver } from "./auth/users.ts";
import { Connection } from "../client/connection.ts";
import { AckTimeouts } from "./connection/ack_timeouts.ts";
import { ALL_CAPABILITIES } from "./connection/capabilities.ts";
import { BrokerConnection } from "./connection/connection.ts";
import { shakeHands } from "./connection/handshake.ts";
import type { CompleteOptions } from "./options.ts";
import { reachedLimit } from "./policy/limits.ts";
import { closeAll, ServedConnections } from "./server.ts";
import { serverProperties } from "./server_properties.ts";
import type { VirtualHost } from "./vhost/vhost.ts";
import type { VirtualHosts } from "./virtual_hosts.ts";

/** What a program is called that connects to its own broker without saying as whom. */
const PROGRAM: User = { name: "guest" };

/** What decides who may come in. */
export interface EntranceOptions {
  /** Those of the broker. */
  readonly options: CompleteOptions;
  /** Where connections lead. */
  readonly vhosts: VirtualHosts;
  /** What keeps their clients from publishing. */
  readonly alarms: Alarms;
  /** Who is let in. */
  readonly guard: LoginGuard;
  /** And what he may do. */
  readonly authorization: Authorization;
}

/** The way in: makes connections of sockets, and of neighbours in the same process. */
export class Entrance implements UserObserver {
  readonly #options: CompleteOptions;
  readonly #vhosts: VirtualHosts;
  readonly #alarms: Alarms;
  readonly #guard: LoginGuard;
  readonly #authorization: Authorization;
  readonly #ackTimeouts: AckTimeouts | undefined;
  readonly #connections = new Set<BrokerConnection>();
  /** Those of each user; the program's own are nobody's. */
  readonly #byUser = new Map<string, Set<BrokerConnection>>();
  #localConnections = 0;

  constructor({ options, vhosts, alarms, guard, authorization }: EntranceOptions) {
    this.#options = options;
    this.#vhosts = vhosts;
    this.#alarms = alarms;
    this.#guard = guard;
    this.#authorization = authorization;
    const { clock, consumerTimeoutMs } = options;
    if (consumerTimeoutMs > 0) this.#ackTimeouts = new AckTimeouts(clock, consumerTimeoutMs);
  }

  /**
   * Connects from this process.
   *
   * @param userName Undefined: as the program itself, which may do everything.
   */
  connect(vhostName: string, userName: string | undefined): Connection {
    const user = userName === undefined ? PROGRAM : { name: userName };
    const vhost = userName === undefined
      ? this.#vhosts.enter(vhostName, user.name)
      : this.#enter(vhostName, user);
    const { channelMax, messageSizeMax, clock, logger } = this.#options;
    const [brokerEnd, clientEnd] = MemoryLink.pair();
    const name = `local-${++this.#localConnections}`;
    const brokerConnection = new BrokerConnection({
      name,
      link: brokerEnd,
      abort: () => brokerEnd.close(),
      limitReads: undefined,
      vhost,
      user,
      rights: userName === undefined ? ALL_RIGHTS : this.#authorization.rights(user, vhost.name),
      checkRoomForChannel: userName === undefined ? undefined : () => this.#checkChannels(user),
      capabilities: ALL_CAPABILITIES,
      clientProperties: { connection_name: name },
      limits: { channelMax, messageSizeMax },
      clock,
      logger,
      alarms: this.#alarms,
      onClosed: (closed) => this.#forget(closed),
    });
    this.#note(brokerConnection, userName !== undefined);
    brokerEnd.attach(brokerConnection);
    return Connection.over(clientEnd, {
      channelMax,
      serverProperties: serverProperties(),
      clock,
      attach: (receiver) => clientEnd.attach(receiver),
    });
  }

  /** One more place where sockets come from. */
  served(): ServedConnections {
    return new ServedConnections((transport, opening) => this.#serve(transport, opening));
  }

  /** Closes all connections because of a shutdown. */
  close(): Promise<void> {
    return closeAll(this.#connections);
  }

  /** The life of one socket. Resolves with its connection; undefined when it never became one. */
  async #serve(
    transport: Transport,
    opening: Set<WireLink>,
  ): Promise<BrokerConnection | undefined> {
    const { clock, frameMax, channelMax, messageSizeMax, logger } = this.#options;
    const link = new WireLink(transport, { frameMax });
    const name = `${endpointName(transport.peer)} -> ${endpointName(transport.local)}`;
    opening.add(link);
    const agreed = await shakeHands(link, {
      clock,
      timeoutMs: this.#options.handshakeTimeoutMs,
      name,
      guard: this.#guard,
      serverProperties: serverProperties(),
      offered: { channelMax, frameMax, heartbeat: this.#options.heartbeatSeconds },
      enterVhost: (vhost, user) => this.#enter(vhost, user),
      logger,
    });
    opening.delete(link);
    if (agreed === undefined) return undefined;

    const { user, vhost } = agreed;
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
      limitReads: (bytes) => link.readMax = bytes,
      vhost,
      user,
      rights: this.#authorization.rights(user, vhost.name),
      checkRoomForChannel: () => this.#checkChannels(user),
      capabilities: agreed.capabilities,
      clientProperties: agreed.clientProperties,
      ackTimeouts: this.#ackTimeouts,
      limits: { channelMax: agreed.tuned.channelMax, messageSizeMax },
      clock,
      logger,
      alarms: this.#alarms,
      onClosed: (closed) => {
        heartbeat.stop();
        this.#forget(closed);
      },
    });
    this.#note(connection, true);
    logger.log("info", `connection ${name}: user '${user.name}' entered vhost '${vhost.name}'`);
    link.run(connection);
    // either may have been deleted since the handshake was done
    if (this.#vhosts.find(vhost.name) !== vhost) connection.close(vhost.deletedError());
    else if (!this.#authorization.mayEnter(user, vhost.name)) {
      connection.close(notAdmitted(user, vhost.name));
    }
    // and others of the user may have come in at the same time
    const tooMany = this.#tooMany(user, 1);
    if (tooMany !== undefined) connection.close(tooMany);
    return connection;
  }

  /**
   * Finds the vhost that a client wants to enter. The checks stand in RabbitMQ's order.
   *
   * @throws {AmqpError} 530 when it cannot, may not, or has as many connections as it may have.
   */
  #enter(name: string, user: User): VirtualHost {
    const vhost = this.#vhosts.enter(name, user.name);
    const tooMany = this.#tooMany(user, 0);
    if (tooMany !== undefined) throw tooMany;
    if (!this.#authorization.mayEnter(user, name)) throw notAdmitted(user, name);
    return vhost;
  }

  /** @param own How many of the user's connections do not count. */
  #tooMany(user: User, own: number): AmqpError | undefined {
    const { maxConnections } = this.#authorization.limits(user);
    const limit = reachedLimit(maxConnections, (this.#byUser.get(user.name)?.size ?? 0) - own);
    return limit === undefined ? undefined : new AmqpError(
      530,
      `connection refused for user '${user.name}': user connection limit (${limit}) is reached`,
    );
  }

  /** @throws {AmqpError} 530 when a user has as many channels as it may have. */
  #checkChannels(user: User): void {
    const { maxChannels } = this.#authorization.limits(user);
    if (maxChannels === undefined || maxChannels < 0) return;
    let count = 0;
    for (const { channels } of this.#byUser.get(user.name) ?? []) count += channels.size;
    if (count < maxChannels) return;
    throw new AmqpError(
      530,
      `number of channels opened for user '${user.name}' has reached the maximum allowed user ` +
        `limit of ${maxChannels}`,
    );
  }

  /** What a user may do has changed: it holds for what is open, too. */
  changed(user: string): void {
    for (const connection of this.#byUser.get(user) ?? []) {
      connection.setRights(this.#authorization.rights(connection.user, connection.vhost.name));
    }
  }

  /** A user is gone, and so are its connections, as in RabbitMQ. */
  deleted(user: string): void {
    for (const connection of [...this.#byUser.get(user) ?? []]) {
      connection.close(new AmqpError(320, `user '${user}' is deleted`));
    }
  }

  /** @param governed True when it is one of the user that it names, false when it is the program's. */
  #note(connection: BrokerConnection, governed: boolean): void {
    this.#connections.add(connection);
    connection.vhost.connections.add(connection);
    if (!governed) return;
    const { name } = connection.user;
    const others = this.#byUser.get(name);
    if (others === undefined) this.#byUser.set(name, new Set([connection]));
    else others.add(connection);
  }

  #forget(connection: BrokerConnection): void {
    this.#connections.delete(connection);
    connection.vhost.connections.delete(connection);
    const { name } = connection.user;
    const others = this.#byUser.get(name);
    others?.delete(connection);
    if (others?.size === 0) this.#byUser.delete(name);
  }
}

function notAdmitted({ name }: User, vhost: string): AmqpError {
  return new AmqpError(530, `access to vhost '${vhost}' refused for user '${name}'`);
}

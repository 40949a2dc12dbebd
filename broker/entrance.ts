import type { Alarms } from "./alarms.ts";
import { Heartbeat } from "./amqp/heartbeat.ts";
import { MemoryLink } from "./amqp/memory_link.ts";
import { endpointName, type Transport } from "./amqp/transport.ts";
import { WireLink } from "./amqp/wire_link.ts";
import { Connection } from "../client/connection.ts";
import { AckTimeouts } from "./connection/ack_timeouts.ts";
import { ALL_CAPABILITIES } from "./connection/capabilities.ts";
import { BrokerConnection } from "./connection/connection.ts";
import { shakeHands } from "./connection/handshake.ts";
import type { CompleteOptions } from "./options.ts";
import { closeAll, ServedConnections } from "./server.ts";
import { serverProperties } from "./server_properties.ts";
import type { VirtualHosts } from "./virtual_hosts.ts";

/** The way in: makes connections of sockets, and of neighbours in the same process. */
export class Entrance {
  readonly #options: CompleteOptions;
  readonly #vhosts: VirtualHosts;
  readonly #alarms: Alarms;
  readonly #ackTimeouts: AckTimeouts | undefined;
  readonly #connections = new Set<BrokerConnection>();
  #localConnections = 0;

  /**
   * @param options Those of the broker.
   * @param vhosts Where connections lead.
   * @param alarms What keeps their clients from publishing.
   */
  constructor(options: CompleteOptions, vhosts: VirtualHosts, alarms: Alarms) {
    this.#options = options;
    this.#vhosts = vhosts;
    this.#alarms = alarms;
    const { clock, consumerTimeoutMs } = options;
    if (consumerTimeoutMs > 0) this.#ackTimeouts = new AckTimeouts(clock, consumerTimeoutMs);
  }

  /** Those that have entered, oldest first. */
  get connections(): ReadonlySet<BrokerConnection> {
    return this.#connections;
  }

  /** Connects from this process. */
  connect(vhostName: string, userName: string): Connection {
    const user = { name: userName };
    const vhost = this.#vhosts.enter(vhostName, user.name);
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
      capabilities: ALL_CAPABILITIES,
      clientProperties: { connection_name: name },
      limits: { channelMax, messageSizeMax },
      clock,
      logger,
      alarms: this.#alarms,
      onClosed: (closed) => this.#forget(closed),
    });
    this.#note(brokerConnection);
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
      enterVhost: (vhost, user) => this.#vhosts.enter(vhost, user.name),
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
      limitReads: (bytes) => link.readMax = bytes,
      vhost: agreed.vhost,
      user: agreed.user,
      capabilities: agreed.capabilities,
      clientProperties: agreed.clientProperties,
      ackTimeouts: this.#ackTimeouts,
      limits: { channelMax: agreed.tuned.channelMax, messageSizeMax },
      network: {
        peer: transport.peer,
        local: transport.local,
        frameMax: agreed.tuned.frameMax,
        heartbeat: agreed.tuned.heartbeat,
        traffic: link,
      },
      clock,
      logger,
      alarms: this.#alarms,
      onClosed: (closed) => {
        heartbeat.stop();
        this.#forget(closed);
      },
    });
    this.#note(connection);
    logger.log(
      "info",
      `connection ${name}: user '${agreed.user.name}' entered vhost '${agreed.vhost.name}'`,
    );
    link.run(connection);
    // it may have been deleted since the handshake was done
    if (this.#vhosts.find(agreed.vhost.name) !== agreed.vhost) {
      connection.close(agreed.vhost.deletedError());
    }
    return connection;
  }

  #note(connection: BrokerConnection): void {
    this.#connections.add(connection);
    connection.vhost.connections.add(connection);
  }

  #forget(connection: BrokerConnection): void {
    this.#connections.delete(connection);
    connection.vhost.connections.delete(connection);
  }
}

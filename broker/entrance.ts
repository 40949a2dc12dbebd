import { AmqpError } from "./amqp/error.ts";
import { Heartbeat } from "./amqp/heartbeat.ts";
import { MemoryLink } from "./amqp/memory_link.ts";
import { endpointName, type Transport } from "./amqp/transport.ts";
import { WireLink } from "./amqp/wire_link.ts";
import { Connection } from "../client/connection.ts";
import { AckTimeouts } from "./connection/ack_timeouts.ts";
import { ALL_CAPABILITIES } from "./connection/capabilities.ts";
import { BrokerConnection, type ConnectionLimits } from "./connection/connection.ts";
import { shakeHands } from "./connection/handshake.ts";
import { NodeChannels } from "./connection/node_channels.ts";
import type { CompleteOptions } from "./options.ts";
import { closeAll, ServedConnections } from "./server.ts";
import type { Resources } from "./resources.ts";
import { serverProperties } from "./server_properties.ts";
import { NODE } from "./vhost/firehose.ts";
import type { VirtualHost, Visitor } from "./vhost/vhost.ts";
import type { VirtualHosts } from "./virtual_hosts.ts";

/** The way in: makes connections of sockets, and of neighbours in the same process. */
export class Entrance {
  readonly #options: CompleteOptions;
  readonly #vhosts: VirtualHosts;
  readonly #resources: Resources;
  readonly #ackTimeouts: AckTimeouts;
  readonly #nodeChannels: NodeChannels;
  readonly #connections = new Set<BrokerConnection>();
  /** How many sockets have entered a vhost and are not among the connections yet. */
  #entering = 0;
  #localConnections = 0;

  /**
   * @param options Those of the broker.
   * @param vhosts Where connections lead.
   * @param resources What may keep their clients from publishing.
   */
  constructor(options: CompleteOptions, vhosts: VirtualHosts, resources: Resources) {
    this.#options = options;
    this.#vhosts = vhosts;
    this.#resources = resources;
    resources.onMemory = () => {
      for (const connection of this.#connections) connection.offerRoom();
    };
    this.#ackTimeouts = new AckTimeouts(options.clock);
    this.#nodeChannels = new NodeChannels(NODE, options.channelMaxPerNode);
  }

  /** Those that have entered, oldest first. */
  get connections(): ReadonlySet<BrokerConnection> {
    return this.#connections;
  }

  /** Connects from this process. */
  connect(vhostName: string, userName: string): Connection {
    const user = { name: userName };
    const vhost = this.#enter(vhostName, user.name);
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
      capabilities: ALL_CAPABILITIES,
      clientProperties: { connection_name: name },
      // a program may take its time, unless somebody said otherwise of a queue
      limits: this.#limits(channelMax, Infinity),
      ...this.#shared(),
      onClosed: (closed) => this.#forget(closed),
    });
    this.#note(brokerConnection);
    brokerEnd.attach(brokerConnection);
    return Connection.over(clientEnd, {
      channelMax,
      serverProperties: serverProperties(profile.version),
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
    const { authenticator, clock, frameMax, channelMax, logger, profile } = this.#options;
    const link = new WireLink(transport, {
      frameMax: smallerLimit(frameMax, profile.handshakeFrameMax),
    });
    const name = `${endpointName(transport.peer)} -> ${endpointName(transport.local)}`;
    opening.add(link);
    let entered: VirtualHost | undefined;
    const entering: Visitor = { close: () => link.abort() };
    const agreed = await shakeHands(link, {
      clock,
      timeoutMs: this.#options.handshakeTimeoutMs,
      authenticator,
      serverProperties: serverProperties(profile.version),
      profile,
      offered: { channelMax, frameMax, heartbeat: this.#options.heartbeatSeconds },
      // it counts from now on, though the two ends have still to part
      enterVhost: (vhost, user) => {
        entered = this.#enter(vhost, user.name);
        entered.connections.add(entering);
        this.#entering++;
        return entered;
      },
      logger,
    });
    opening.delete(link);
    if (entered !== undefined) {
      entered.connections.delete(entering);
      this.#entering--;
    }
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
      limits: this.#limits(agreed.tuned.channelMax, this.#options.consumerTimeoutMs || Infinity),
      network: {
        peer: transport.peer,
        local: transport.local,
        frameMax: agreed.tuned.frameMax,
        heartbeat: agreed.tuned.heartbeat,
        traffic: link,
      },
      ...this.#shared(),
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
    link.onRead = (bytes) => connection.noteRead(bytes);
    link.run(connection);
    // it may have been deleted since the handshake was done
    if (this.#vhosts.find(agreed.vhost.name) !== agreed.vhost) {
      connection.close(agreed.vhost.deletedError());
    }
    return connection;
  }

  /**
   * Finds the vhost that a client wants to enter.
   *
   * @throws {AmqpError} 530 when it may not, or there are as many connections as there may be.
   */
  #enter(vhost: string, user: string): VirtualHost {
    const { connectionMax } = this.#options;
    if (this.#connections.size + this.#entering >= connectionMax) {
      throw new AmqpError(
        530,
        `connection refused: node connection limit (${connectionMax}) is reached`,
      );
    }
    return this.#vhosts.enter(vhost, user);
  }

  #limits(channelMax: number, consumerTimeoutMs: number): ConnectionLimits {
    const { messageSizeMax, consumerMaxPerChannel: consumerMax } = this.#options;
    return { channelMax, messageSizeMax, consumerMax, consumerTimeoutMs };
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
      nodeChannels: this.#nodeChannels,
    };
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

/** The lower of two limits, where 0 is none. */
function smallerLimit(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

import type { BrokerChannel } from "../connection/channel.ts";
import type { BrokerConnection } from "../connection/connection.ts";
import type { CountFilter, Meter, MeterKind } from "../operator_info.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { Exchange } from "../routing/exchange.ts";
import { CHANNEL_COUNTS } from "../stats.ts";
import type { VirtualHost } from "../vhost/vhost.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import { deliverGet, VhostMeters } from "./vhost_meters.ts";

/** What has been counted, thing by thing. `Broker.meters` tells what that means. */
export class Meters {
  readonly #vhosts: VirtualHosts;
  readonly #connections: ReadonlySet<BrokerConnection>;
  /** What went through vhosts. */
  readonly ofVhosts: VhostMeters;

  /**
   * @param vhosts Where exchanges and queues are.
   * @param connections Those that have entered.
   */
  constructor(vhosts: VirtualHosts, connections: ReadonlySet<BrokerConnection>) {
    this.#vhosts = vhosts;
    this.#connections = connections;
    this.ofVhosts = new VhostMeters(vhosts, connections);
  }

  *all(kind: MeterKind): Generator<Meter, void, undefined> {
    switch (kind) {
      case "vhost":
        return yield* this.ofVhosts.now();
      case "queue":
        for (const vhost of this.#vhosts) {
          for (const queue of vhost.queues.values()) yield ofQueue(vhost, queue);
        }
        return;
      case "exchange":
        for (const vhost of this.#vhosts) {
          for (const exchange of vhost.exchanges) yield ofExchange(vhost, exchange);
        }
        return;
      case "connection":
        for (const connection of this.#connections) yield ofConnection(connection);
        return;
      case "channel":
        for (const { channels } of this.#connections) {
          for (const channel of channels.values()) yield ofChannel(channel);
        }
    }
  }

  /** How many there are. */
  count(kind: MeterKind, { vhost: vhostName, user }: CountFilter): number {
    let count = 0;
    if (kind === "connection" || kind === "channel") {
      for (const connection of this.#connections) {
        if (vhostName !== undefined && connection.vhost.name !== vhostName) continue;
        if (user !== undefined && connection.user.name !== user) continue;
        count += kind === "connection" ? 1 : connection.channels.size;
      }
      return count;
    }
    for (const { name, queues, exchanges } of this.#vhosts) {
      if (vhostName !== undefined && name !== vhostName) continue;
      count += kind === "vhost" ? 1 : kind === "queue" ? queues.size : exchanges.size;
    }
    return count;
  }

  /** The one of a name; undefined when there is none. */
  one(
    kind: "queue" | "exchange" | "connection" | "channel",
    name: string,
    vhostName: string,
  ): Meter | undefined {
    if (kind === "queue" || kind === "exchange") {
      const vhost = this.#vhosts.find(vhostName);
      if (vhost === undefined) return undefined;
      const queue = kind === "queue" ? vhost.queues.get(name) : undefined;
      if (queue !== undefined) return ofQueue(vhost, queue);
      const exchange = kind === "exchange" ? vhost.exchanges.get(name) : undefined;
      return exchange === undefined ? undefined : ofExchange(vhost, exchange);
    }
    // none but the one that is looked for is described: there may be very many
    const [, of = name, number] = kind === "channel" ? /^(.*) \((\d+)\)$/s.exec(name) ?? [] : [];
    for (const connection of this.#connections) {
      if (connection.name !== of) continue;
      if (kind === "connection") return ofConnection(connection);
      const channel = connection.channels.get(Number(number));
      if (channel !== undefined) return ofChannel(channel);
    }
    return undefined;
  }
}

function ofQueue(vhost: VirtualHost, queue: MessageQueue): Meter {
  const { name, counts, messageCount, retryingCount, dyingCount, unackedCount } = queue;
  return {
    of: queue,
    vhost: vhost.name,
    name,
    values: {
      publish: queue.publishCount,
      deliver: counts.deliver,
      deliverNoAck: counts.deliverNoAck,
      get: counts.get,
      getNoAck: counts.getNoAck,
      getEmpty: counts.getEmpty,
      redeliver: counts.redeliver,
      ack: counts.ack,
      deliverGet: deliverGet(counts),
      consumers: queue.consumerCount,
      messages: messageCount + retryingCount + dyingCount +
        (queue.keepsDelivered ? 0 : unackedCount),
      messagesReady: messageCount,
      messagesUnacknowledged: unackedCount,
    },
  };
}

function ofExchange(vhost: VirtualHost, exchange: Exchange<MessageQueue>): Meter {
  const { publishing } = vhost;
  return {
    of: exchange,
    vhost: vhost.name,
    name: exchange.name,
    values: exchange.name === ""
      ? { publishIn: publishing.defaultIn, publishOut: publishing.defaultOut }
      : { publishIn: exchange.publishIn, publishOut: exchange.publishOut },
  };
}

function ofConnection(connection: BrokerConnection): Meter {
  const { name, vhost, network } = connection;
  return {
    of: connection,
    vhost: vhost.name,
    name,
    values: {
      recvOct: network?.traffic.bytesRead ?? 0,
      sendOct: network?.traffic.bytesWritten ?? 0,
    },
  };
}

function ofChannel(channel: BrokerChannel): Meter {
  const { connection, counts, confirms, number } = channel;
  const values: Record<string, number> = {};
  for (const name of CHANNEL_COUNTS) values[name] = counts[name];
  values["confirm"] = confirms?.told ?? 0;
  values["deliverGet"] = deliverGet(counts);
  return {
    of: channel,
    vhost: connection.vhost.name,
    name: `${connection.name} (${number})`,
    values,
  };
}

import type { BrokerConnection } from "../connection/connection.ts";
import { ChannelConsumer } from "../connection/consumer.ts";
import type {
  BindingFilter,
  BindingInfo,
  ChannelInfo,
  ConnectionFilter,
  ConnectionInfo,
  ConsumerFilter,
  ConsumerInfo,
  ExchangeFilter,
  ExchangeInfo,
  QueueFilter,
  QueueInfo,
  VhostInfo,
} from "../operator_info.ts";
import type { InVhost } from "../operator_options.ts";
import type { VirtualHost } from "../vhost/vhost.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import {
  defaultBinding,
  describeBinding,
  describeChannel,
  describeConnection,
  describeConsumer,
  describeExchange,
  describeQueue,
  describeVhost,
} from "./descriptions.ts";

/**
 * What there is in a broker, one thing after another: each is described when it is asked for, so that
 * nobody pays for more than they look at, and things may come and go meanwhile.
 */
export class BrokerObjects {
  readonly #vhosts: VirtualHosts;
  readonly #connections: ReadonlySet<BrokerConnection>;

  /**
   * @param vhosts Where exchanges, queues and bindings are.
   * @param connections Those that have entered.
   */
  constructor(vhosts: VirtualHosts, connections: ReadonlySet<BrokerConnection>) {
    this.#vhosts = vhosts;
    this.#connections = connections;
  }

  *vhosts({ vhost }: InVhost): Generator<VhostInfo, void, undefined> {
    for (const each of this.#vhosts.some(vhost)) yield describeVhost(each);
  }

  *exchanges({ vhost, exchange }: ExchangeFilter): Generator<ExchangeInfo, void, undefined> {
    for (const each of this.#vhosts.some(vhost)) {
      if (exchange === undefined) {
        for (const found of each.exchanges) yield describeExchange(each, found);
      } else {
        const found = each.exchanges.get(exchange);
        if (found !== undefined) yield describeExchange(each, found);
      }
    }
  }

  *queues({ vhost, queue }: QueueFilter): Generator<QueueInfo, void, undefined> {
    for (const each of this.#vhosts.some(vhost)) {
      if (queue === undefined) {
        for (const found of each.queues.values()) yield describeQueue(each, found);
      } else {
        const found = each.queues.get(queue);
        if (found !== undefined) yield describeQueue(each, found);
      }
    }
  }

  *bindings({ vhost, ...filter }: BindingFilter): Generator<BindingInfo, void, undefined> {
    for (const each of this.#vhosts.some(vhost)) {
      for (const binding of bindingsOf(each, filter)) {
        if (isWanted(binding, filter)) yield binding;
      }
    }
  }

  *connections(filter: ConnectionFilter): Generator<ConnectionInfo, void, undefined> {
    for (const connection of this.#wanted(filter)) yield describeConnection(connection);
  }

  *channels(filter: ConnectionFilter): Generator<ChannelInfo, void, undefined> {
    for (const { channels } of this.#wanted(filter)) {
      for (const channel of channels.values()) yield describeChannel(channel);
    }
  }

  *consumers({ queue, ...filter }: ConsumerFilter): Generator<ConsumerInfo, void, undefined> {
    if (queue !== undefined) {
      for (const { queues } of this.#vhosts.some(filter.vhost)) {
        for (const consumer of queues.get(queue)?.consumers ?? []) {
          if (!(consumer instanceof ChannelConsumer)) continue;
          if (isMeant(consumer.channel.connection, filter)) yield describeConsumer(consumer);
        }
      }
      return;
    }
    for (const { channels } of this.#wanted(filter)) {
      for (const { consumers } of channels.values()) {
        for (const consumer of consumers.values()) yield describeConsumer(consumer);
      }
    }
  }

  *#wanted(filter: ConnectionFilter): Generator<BrokerConnection, void, undefined> {
    // one that is wrong is told of, as everywhere
    if (filter.vhost !== undefined) this.#vhosts.get(filter.vhost);
    for (const connection of this.#connections) {
      if (isMeant(connection, filter)) yield connection;
    }
  }
}

function isMeant(
  { vhost, name, user }: BrokerConnection,
  { vhost: vhostName, connection, user: userName }: ConnectionFilter,
): boolean {
  return (vhostName === undefined || vhost.name === vhostName) &&
    (connection === undefined || name === connection) &&
    (userName === undefined || user.name === userName);
}

/** Those that may be wanted, found by the end of which the name is known. */
function* bindingsOf(
  vhost: VirtualHost,
  { source, destination, destinationType }: BindingFilter,
): Generator<BindingInfo, void, undefined> {
  const { exchanges, queues } = vhost;
  const byDestination = destination !== undefined;
  if (source === undefined || source === "") {
    const found = byDestination ? queues.get(destination) : undefined;
    const named = byDestination ? found === undefined ? [] : [found] : queues.values();
    for (const queue of named) yield defaultBinding(vhost, queue);
  }
  if (source === "") return;
  if (byDestination) {
    const ends = [
      destinationType === "exchange" ? undefined : queues.get(destination),
      destinationType === "queue" ? undefined : exchanges.get(destination),
    ];
    for (const end of ends) {
      if (end === undefined) continue;
      for (const binding of vhost.bindingsTo(end) ?? []) yield describeBinding(vhost, binding);
    }
    return;
  }
  const named = source === undefined ? exchanges : [exchanges.get(source)];
  for (const exchange of named) {
    if (exchange === undefined) continue;
    for (const binding of exchange.bindings()) yield describeBinding(vhost, binding);
  }
}

function isWanted(
  binding: BindingInfo,
  { source, destination, destinationType }: BindingFilter,
): boolean {
  return (source === undefined || binding.source === source) &&
    (destination === undefined || binding.destination === destination) &&
    (destinationType === undefined || binding.destinationType === destinationType);
}

import { Slices } from "../amqp/slices.ts";
import type { BrokerChannel } from "../connection/channel.ts";
import type { BrokerConnection } from "../connection/connection.ts";
import type { Meter } from "../operator_info.ts";
import { CHANNEL_COUNTS, type ChannelCounts, type DeliveryCounts } from "../stats.ts";
import { VhostSum } from "../vhost/vhost_counts.ts";
import type { VirtualHost } from "../vhost/vhost.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";

/** What has gone through each vhost: nothing is counted for it, so all channels are looked at. */
export class VhostMeters {
  readonly #vhosts: VirtualHosts;
  readonly #connections: ReadonlySet<BrokerConnection>;
  /** The sum that is made, and the one after it. */
  #running: Promise<Meter[]> | undefined = undefined;
  #next: Promise<Meter[]> | undefined = undefined;

  /**
   * @param vhosts All of them.
   * @param connections Those that have entered one.
   */
  constructor(vhosts: VirtualHosts, connections: ReadonlySet<BrokerConnection>) {
    this.#vhosts = vhosts;
    this.#connections = connections;
  }

  /** At once, however many channels there are. */
  now(): Meter[] {
    const sums = new Map<VirtualHost, VhostSum>();
    for (const vhost of this.#vhosts) {
      const sum = new VhostSum();
      sum.add(vhost.counts.gone);
      sums.set(vhost, sum);
    }
    for (const connection of this.#connections) {
      const sum = sums.get(connection.vhost);
      if (sum === undefined) continue;
      sum.addTraffic(connection);
      for (const channel of connection.channels.values()) sum.counts.add(countsOf(channel));
    }
    return [...sums].map(([vhost, sum]) => meterOf(vhost, sum));
  }

  /** With pauses, if there are very many. Whoever asks meanwhile is told of the next sum: what he did
   * before is in that. */
  inSlices(): Promise<Meter[]> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    const next = () => {
      this.#next = undefined;
      return this.#begin();
    };
    return this.#next = this.#running.then(next, next);
  }

  #begin(): Promise<Meter[]> {
    return this.#running = this.#sum().finally(() => this.#running = undefined);
  }

  async #sum(): Promise<Meter[]> {
    const slices = new Slices();
    const vhosts = new Set(this.#vhosts);
    for (const { counts } of vhosts) counts.begin();
    // those that come meanwhile may be met as well
    for (const connection of this.#connections) {
      const { vhost: { counts }, vhost } = connection;
      if (!vhosts.has(vhost)) continue;
      counts.meetConnection(connection);
      for (const channel of connection.channels.values()) {
        counts.meetChannel(countsOf(channel));
        if (slices.over) await slices.rest();
      }
      if (slices.over) await slices.rest();
    }
    return Array.from(vhosts, (vhost) => meterOf(vhost, vhost.counts.end()));
  }
}

/** Confirms are counted where they are made. */
function countsOf({ counts, confirms }: BrokerChannel): ChannelCounts {
  counts.confirm = confirms?.told ?? 0;
  return counts;
}

function meterOf(vhost: VirtualHost, { counts, recvOct, sendOct }: VhostSum): Meter {
  const values: Record<string, number> = {};
  for (const name of CHANNEL_COUNTS) values[name] = counts[name];
  return {
    of: vhost,
    vhost: vhost.name,
    name: vhost.name,
    values: { ...values, recvOct, sendOct, deliverGet: deliverGet(counts) },
  };
}

/** All that was given to clients. */
export function deliverGet({ deliver, deliverNoAck, get, getNoAck }: DeliveryCounts): number {
  return deliver + deliverNoAck + get + getNoAck;
}

import { Slices } from "../http/slices.ts";
import type { Broker, ChannelInfo, Meter, QueueInfo } from "../mod.ts";
import * as families from "./families.ts";
import type { Metric } from "./families.ts";
import { labelsOf, MetricTable } from "./text.ts";

/** Which things are told of. */
export interface Wanted {
  /** Whether a family is, by RabbitMQ's name for it. */
  family(name: string): boolean;
  /** Whether what is in a vhost is; undefined: of all of them. */
  readonly vhosts: readonly string[] | undefined;
  /** Whether a queue is. */
  queue(name: string): boolean;
}

/** Everything, as `/metrics/per-object` tells it. */
export const EVERYTHING: Wanted = {
  // it is a part of queue_metrics, and their names must be there once
  family: (name) => name !== "queue_consumer_count",
  vhosts: undefined,
  queue: () => true,
};

/** A family with its values of one thing. */
type FamilyOf<Thing> = readonly [
  family: string,
  metrics: readonly Metric[],
  values: (thing: Thing) => readonly (number | undefined)[],
  labels?: (thing: Thing) => string,
];

/** A thing with what is counted of it. */
interface Metered<Info> {
  readonly info: Info;
  readonly labels: string;
  readonly values: Meter["values"];
}

const delivered = ({ values: counts }: { readonly values: Meter["values"] }) => [
  counts["get"],
  counts["getNoAck"],
  counts["deliver"],
  counts["deliverNoAck"],
  counts["redeliver"],
  counts["ack"],
  counts["getEmpty"],
];

const OF_QUEUES: readonly FamilyOf<Metered<QueueInfo>>[] = [
  ["queue_coarse_metrics", families.QUEUE_COARSE, ({ info }) => [
    info.messagesReady,
    info.messagesUnacknowledged,
    info.messages,
  ]],
  ["queue_consumer_count", families.QUEUE_CONSUMERS, ({ info }) => [info.consumers]],
  [
    "queue_metrics",
    [...families.QUEUE, families.QUEUE_HEAD, ...families.STREAM],
    ({ info }) => [
      ...families.queueValues(info),
      info.headMessageTimestamp ?? undefined,
      info.segments ?? undefined,
    ],
  ],
  ["queue_delivery_metrics", families.QUEUE_DELIVERY, delivered],
  ["queue_exchange_metrics", families.QUEUE_EXCHANGE, ({ values }) => [values["publish"]]],
  [
    "channel_queue_exchange_metrics",
    families.CHANNEL_QUEUE_EXCHANGE,
    ({ values }) => [values["publish"]],
    ({ info }) => labelsOf({ queue_vhost: info.vhost, queue: info.name }),
  ],
];

const OF_CHANNELS: readonly FamilyOf<Metered<ChannelInfo>>[] = [
  [
    "channel_metrics",
    families.CHANNEL,
    ({ info }) => [
      info.consumerCount,
      info.messagesUnacknowledged,
      info.messagesUnconfirmed,
      info.messagesUncommitted,
      info.acksUncommitted,
      info.prefetchCount,
      info.globalPrefetchCount,
    ],
    ({ info }) => labelsOf({ channel: info.name }),
  ],
  ["channel_exchange_metrics", families.CHANNEL_EXCHANGE, ({ values }) => [
    values["publish"],
    values["confirm"],
    values["returnUnroutable"],
    values["dropUnroutable"],
  ]],
  ["channel_queue_metrics", families.CHANNEL_QUEUE, delivered],
];

/** The families of queues after which it is told as well what they are. */
const WITH_QUEUE_INFO = ["queue_coarse_metrics", "queue_consumer_count", "queue_metrics"];

/** What is told of things one by one. Each kind of thing is looked at once, with pauses. */
export class ObjectTables {
  readonly #broker: Broker;
  readonly #prefix: string;
  readonly #wanted: Wanted;

  /** @param prefix Comes before each name. */
  constructor(broker: Broker, prefix: string, wanted: Wanted) {
    this.#broker = broker;
    this.#prefix = prefix;
    this.#wanted = wanted;
  }

  /** All that is wanted of queues, exchanges, channels and connections. */
  async collect(): Promise<MetricTable[]> {
    return [
      ...await this.#queues(),
      ...await this.#channels(),
      ...await this.#connections(),
      ...await this.#exchanges(),
    ];
  }

  async #queues(): Promise<MetricTable[]> {
    const wanted = this.#wanted;
    const chosen = OF_QUEUES.filter(([family]) =>
      wanted.family(family) &&
      // one name would come twice
      !(family === "queue_consumer_count" && wanted.family("queue_metrics"))
    );
    if (chosen.length === 0) return [];
    const tables = chosen.map(([, metrics]) => new MetricTable(this.#prefix, metrics));
    const info = new MetricTable(this.#prefix, families.QUEUE_INFO);
    const slices = new Slices();
    for (const vhost of this.#vhosts()) {
      for (const queue of this.#broker.queues({ vhost })) {
        if (slices.over) await slices.rest();
        if (!wanted.queue(queue.name)) continue;
        const meter = this.#broker.meter("queue", queue.name, { vhost: queue.vhost });
        if (meter === undefined) continue; // it went meanwhile
        const thing = {
          info: queue,
          values: meter.values,
          labels: labelsOf({ vhost: queue.vhost, queue: queue.name }),
        };
        for (const [at, [, , values, labels]] of chosen.entries()) {
          tables[at]!.add(labels?.(thing) ?? thing.labels, values(thing));
        }
        const type = `rabbit_${queue.type}_queue`;
        info.add(
          labelsOf({
            vhost: queue.vhost,
            queue: queue.name,
            queue_type: type,
            membership: "leader",
          }),
          [1],
        );
      }
    }
    return chosen.some(([family]) => WITH_QUEUE_INFO.includes(family)) ? [...tables, info] : tables;
  }

  async #channels(): Promise<MetricTable[]> {
    const chosen = OF_CHANNELS.filter(([family]) => this.#wanted.family(family));
    if (chosen.length === 0) return [];
    const tables = chosen.map(([, metrics]) => new MetricTable(this.#prefix, metrics));
    const counted = new Map<string, Meter["values"]>();
    const slices = new Slices();
    for (const { name, values } of this.#broker.meters("channel")) {
      counted.set(name, values);
      if (slices.over) await slices.rest();
    }
    for (const channel of this.#broker.channels()) {
      if (slices.over) await slices.rest();
      const values = counted.get(channel.name);
      if (values === undefined) continue; // it has come meanwhile
      const labels = labelsOf({ channel: channel.name, vhost: channel.vhost });
      const thing = { info: channel, values, labels };
      for (const [at, [, , valuesOf, labels]] of chosen.entries()) {
        tables[at]!.add(labels?.(thing) ?? thing.labels, valuesOf(thing));
      }
    }
    return tables;
  }

  async #connections(): Promise<MetricTable[]> {
    const slices = new Slices();
    const tables: MetricTable[] = [];
    if (this.#wanted.family("connection_coarse_metrics")) {
      const table = new MetricTable(this.#prefix, families.CONNECTION_COARSE);
      for (const { name, values } of this.#broker.meters("connection")) {
        table.add(labelsOf({ channel: name }), [values["recvOct"], values["sendOct"]]);
        if (slices.over) await slices.rest();
      }
      tables.push(table);
    }
    if (this.#wanted.family("connection_metrics")) {
      const table = new MetricTable(this.#prefix, families.CONNECTION);
      for (const { name, channels } of this.#broker.connections()) {
        table.add(labelsOf({ channel: name }), [channels]);
        if (slices.over) await slices.rest();
      }
      tables.push(table);
    }
    return tables;
  }

  async #exchanges(): Promise<MetricTable[]> {
    if (!this.#wanted.family("exchange_metrics")) return [];
    const table = new MetricTable(this.#prefix, families.EXCHANGE);
    const vhosts = this.#wanted.vhosts && new Set(this.#wanted.vhosts);
    const slices = new Slices();
    for (const { name, vhost, values } of this.#broker.meters("exchange")) {
      if (slices.over) await slices.rest();
      const published = values["publishIn"] ?? 0;
      // most exchanges are those that every vhost has and nobody uses
      if (published === 0 || vhosts?.has(vhost) === false) continue;
      table.add(labelsOf({ vhost, exchange: name }), [published]);
    }
    return [table];
  }

  /** What `/metrics/detailed` alone tells, of all vhosts. */
  async cluster(prefix: string): Promise<MetricTable[]> {
    const tables: MetricTable[] = [];
    if (this.#wanted.family("vhost_status")) {
      const table = new MetricTable(prefix, families.VHOST_STATUS);
      for (const { name: vhost } of this.#broker.vhosts()) table.add(labelsOf({ vhost }), [1]);
      tables.push(table);
    }
    const bindings = new MetricTable(prefix, families.EXCHANGE_BINDINGS);
    const names = new MetricTable(prefix, families.EXCHANGE_NAMES);
    const wanted = (["exchange_bindings", "exchange_names"] as const).filter((family) =>
      this.#wanted.family(family)
    );
    if (wanted.length === 0) return tables;
    const slices = new Slices();
    for (const exchange of this.#broker.exchanges()) {
      if (slices.over) await slices.rest();
      if (exchange.internal || exchange.name === "") continue;
      const { vhost, name, type } = exchange;
      const labels = labelsOf({ vhost, exchange: name, type });
      bindings.add(labels, [exchange.bindings]);
      names.add(labels, [1]);
    }
    if (wanted.includes("exchange_bindings")) tables.push(bindings);
    if (wanted.includes("exchange_names")) tables.push(names);
    return tables;
  }

  /** Those that are there when it is their turn. */
  *#vhosts(): Generator<string, void, undefined> {
    const names = this.#wanted.vhosts ?? this.#broker.vhosts().map(({ name }) => name);
    for (const name of new Set(names)) if (this.#broker.hasVhost(name)) yield name;
  }
}

import { gather, Slices } from "../http/slices.ts";
import type { Broker, Meter, QueueInfo } from "../mod.ts";
import type { Happening, Happenings } from "./happenings.ts";
import { KeptSums, Rising } from "./kept_sums.ts";
import * as families from "./families.ts";
import { labelsOf, MetricTable } from "./text.ts";

/** What is counted of deliveries. */
const DELIVERIES = [
  "deliverGet",
  "deliver",
  "deliverNoAck",
  "get",
  "getNoAck",
  "getEmpty",
  "redeliver",
  "ack",
] as const;
/** And of what was published. */
const PUBLISHED = ["publish", "confirm", "returnUnroutable", "dropUnroutable"] as const;

const PROTOCOL = labelsOf({ protocol: "amqp091" });

/** What all queues come to. */
interface QueueSums {
  count: number;
  ready: number;
  unacked: number;
  messages: number;
  /** The sums of `queueValues`. */
  values: number[];
  segments: number;
  /** Those of the types that are not classic. */
  readonly quorum: QueueAddress[];
  readonly stream: QueueAddress[];
}

/** Where a queue is found again: of very many, all that is known of them would be in memory at once. */
type QueueAddress = Pick<QueueInfo, "name" | "vhost">;

/** And all channels. */
type ChannelSums = Record<(typeof CHANNEL_SUMS)[number] | "count", number>;

const CHANNEL_SUMS = [
  "consumerCount",
  "messagesUnacknowledged",
  "messagesUnconfirmed",
  "messagesUncommitted",
  "acksUncommitted",
  "prefetchCount",
  "globalPrefetchCount",
] as const;

/** How much there is in a broker in all, and how much went through it. */
export class Totals {
  readonly #broker: Broker;
  readonly #happenings: Happenings;
  readonly #vhosts = new KeptSums([...PUBLISHED, ...DELIVERIES]);
  readonly #exchanges = new KeptSums(["publishOut"]);
  readonly #connections = new KeptSums(["recvOct", "sendOct"]);
  /** Of the types that are not classic, which is all the rest. */
  readonly #quorum = new KeptSums(DELIVERIES);
  readonly #streams = new KeptSums(DELIVERIES);
  readonly #rising = new Rising();

  constructor(broker: Broker, happenings: Happenings) {
    this.#broker = broker;
    this.#happenings = happenings;
  }

  /** Looks at everything, with pauses. One look is over before the next begins. */
  async collect(prefix: string): Promise<MetricTable[]> {
    const broker = this.#broker;
    const queues = await this.#sumQueues();
    const quorum = await this.#quorum.of(this.#metersOf(queues.quorum));
    const streams = await this.#streams.of(this.#metersOf(queues.stream));
    const channels = await this.#sumChannels();
    const publishers = await gather(
      broker.meters("channel"),
      ({ values }) => (values["publish"] ?? 0) > 0,
    );
    const { recvOct, sendOct } = await this.#connections.of(broker.meters("connection"));
    const { publishOut } = await this.#exchanges.of(broker.meters("exchange"));
    // these last: no part can be more than the whole
    const whole = await this.#vhosts.of(await broker.vhostMeters());
    const published = PUBLISHED.map((name) => whole[name]);
    const [publish, confirm, returned, dropped] = published;
    const delivered = [
      whole.get,
      whole.getNoAck,
      whole.deliver,
      whole.deliverNoAck,
      whole.redeliver,
      whole.ack,
      whole.getEmpty,
    ];
    const table = (metrics: readonly families.Metric[], ...values: (number | undefined)[]) =>
      new MetricTable(prefix, metrics).add("", values);
    const classic = (name: typeof DELIVERIES[number]) =>
      this.#rising.of(name, whole[name] - quorum[name] - streams[name]);
    const byType = new MetricTable(prefix, families.GLOBAL_DELIVERED);
    for (
      const [type, of] of [
        ["classic", classic],
        ["quorum", (name: typeof DELIVERIES[number]) => quorum[name]],
        ["stream", (name: typeof DELIVERIES[number]) => streams[name]],
      ] as const
    ) {
      const labels = labelsOf({ protocol: "amqp091", queue_type: `rabbit_${type}_queue` });
      byType.add(labels, DELIVERIES.map(of));
    }
    return [
      table(families.QUEUE_COARSE, queues.ready, queues.unacked, queues.messages),
      table(families.QUEUE, ...queues.values),
      table(families.STREAM, queues.segments),
      table(families.CHANNEL, ...CHANNEL_SUMS.map((name) => channels[name])),
      table(families.CHANNEL_EXCHANGE, ...published),
      table(families.CHANNEL_QUEUE, ...delivered),
      table(families.CONNECTION_COARSE, recvOct, sendOct),
      table(families.CONNECTION, channels.count),
      table(families.CHANNEL_QUEUE_EXCHANGE, publishOut),
      table(families.EXCHANGE, ...published),
      table(families.QUEUE_DELIVERY, ...delivered),
      table(families.QUEUE_EXCHANGE, publishOut),
      table(
        families.OBJECTS,
        this.#connections.count,
        channels.count,
        channels.consumerCount,
        queues.count,
      ),
      new MetricTable(prefix, families.GLOBAL_PUBLISHED).add(PROTOCOL, [
        publish,
        this.#rising.of("received_confirm", confirm! + channels.messagesUnconfirmed),
        publishOut,
        dropped,
        returned,
        confirm,
        publishers.length,
        channels.consumerCount,
      ]),
      byType,
      deathTable(broker, prefix),
    ];
  }

  /** What only happens: logins, and what came and went. */
  churn(prefix: string): MetricTable[] {
    const of = (name: Happening) => this.#happenings.of(name);
    const succeeded = of("user.authentication.success");
    const failed = of("user.authentication.failure");
    return [
      new MetricTable(prefix, families.CHURN).add("", [
        of("connection.created"),
        of("connection.closed"),
        of("channel.created"),
        of("channel.closed"),
        this.#happenings.queueDeclarations,
        of("queue.created"),
        of("queue.deleted"),
      ]),
      new MetricTable(prefix, families.AUTH).add(PROTOCOL, [succeeded + failed, succeeded, failed]),
    ];
  }

  async #sumQueues(): Promise<QueueSums> {
    const sums: QueueSums = {
      ...{ count: 0, ready: 0, unacked: 0, messages: 0, values: families.QUEUE.map(() => 0) },
      segments: 0,
      ...{ quorum: [], stream: [] },
    };
    const slices = new Slices();
    for (const queue of this.#broker.queues()) {
      sums.count++;
      sums.ready += queue.messagesReady;
      sums.unacked += queue.messagesUnacknowledged;
      sums.messages += queue.messages;
      const values = families.queueValues(queue);
      for (let at = 0; at < values.length; at++) sums.values[at]! += values[at]!;
      sums.segments += queue.segments ?? 0;
      const { type, name, vhost } = queue;
      if (type !== "classic") sums[type].push({ name, vhost });
      if (slices.over) await slices.rest();
    }
    return sums;
  }

  *#metersOf(queues: readonly QueueAddress[]): Generator<Meter, void, undefined> {
    for (const { name, vhost } of queues) {
      const meter = this.#broker.meter("queue", name, { vhost });
      if (meter !== undefined) yield meter;
    }
  }

  async #sumChannels(): Promise<ChannelSums> {
    const sums = Object.fromEntries(CHANNEL_SUMS.map((name) => [name, 0])) as ChannelSums;
    sums.count = 0;
    const slices = new Slices();
    for (const channel of this.#broker.channels()) {
      sums.count++;
      for (const name of CHANNEL_SUMS) sums[name] += channel[name];
      if (slices.over) await slices.rest();
    }
    return sums;
  }
}

const STRATEGIES = {
  disabled: "disabled",
  atMostOnce: "at_most_once",
  atLeastOnce: "at_least_once",
} as const;

/** Only what can happen to a queue of its type and strategy has a number. */
function deathTable(broker: Broker, prefix: string): MetricTable {
  const table = new MetricTable(prefix, families.DEAD_LETTERED);
  for (const row of broker.deaths()) {
    const isQuorum = row.queueType === "quorum";
    const isKept = row.strategy === "atLeastOnce";
    if (isKept && !isQuorum) continue;
    const labels = labelsOf({
      queue_type: `rabbit_${row.queueType}_queue`,
      dead_letter_strategy: STRATEGIES[row.strategy],
    });
    table.add(labels, [
      isKept ? undefined : row.maxlen,
      row.expired,
      row.rejected,
      isQuorum ? row.deliveryLimit : undefined,
      isKept ? row.confirmed : undefined,
    ]);
  }
  return table;
}

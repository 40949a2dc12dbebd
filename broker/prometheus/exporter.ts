import { streamOf } from "../http/json_stream.ts";
import type { Broker, Clock } from "../mod.ts";
import * as families from "./families.ts";
import { Happenings } from "./happenings.ts";
import { alarmTables, identityTables, nodeTables } from "./node.ts";
import { EVERYTHING, ObjectTables, type Wanted } from "./objects.ts";
import { type Asked, BadRequest, readRequest } from "./request.ts";
import { Scrapes } from "./scrapes.ts";
import { CONTENT_TYPE, Histogram, type MetricTable } from "./text.ts";
import { Totals } from "./totals.ts";

const PREFIX = "rabbitmq_";
const DETAILED = "rabbitmq_detailed_";
const CLUSTER = "rabbitmq_cluster_";

/** Answers requests for metrics, one after the other. */
export class Exporter implements Disposable {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #happenings: Happenings;
  readonly #totals: Totals;
  readonly #scrapes = new Scrapes();
  /** Looking at everything costs something: one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param clock Time. */
  constructor(broker: Broker, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
    this.#happenings = new Happenings(broker);
    this.#totals = new Totals(broker, this.#happenings);
  }

  [Symbol.dispose](): void {
    this.#happenings[Symbol.dispose]();
  }

  /** Answers one: with the text, or why there is none. */
  async answer({ url, method }: Request): Promise<Response> {
    if (method !== "GET" && method !== "HEAD") {
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
    }
    let asked: Asked;
    try {
      asked = readRequest(url);
    } catch (cause) {
      if (!(cause instanceof BadRequest)) throw cause;
      const { status, type, message } = cause;
      return new Response(message, { status, headers: { "content-type": type } });
    }
    const headers = { "content-type": CONTENT_TYPE, "cache-control": "no-store" };
    if (method === "HEAD") return new Response(null, { headers });
    const begun = performance.now();
    const collected = this.#last.then(() => this.#collect(asked));
    this.#last = collected.catch(() => {});
    return new Response(streamOf(this.#lines(await collected, asked, begun)), { headers });
  }

  async #collect(asked: Asked): Promise<(MetricTable | Histogram)[]> {
    const { endpoint } = asked;
    const broker = this.#broker;
    const clock = this.#clock;
    const identity = () => identityTables(broker, PREFIX, endpoint);
    if (asked.endpoint === "aggregated") {
      return [
        ...alarmTables(broker, PREFIX),
        ...this.#totals.churn(PREFIX),
        ...await nodeTables(broker, PREFIX, clock),
        ...await this.#totals.collect(PREFIX),
        this.#messageSizes(),
        ...identity(),
      ];
    }
    const { wanted } = asked;
    if (asked.endpoint === "detailed") {
      const objects = new ObjectTables(broker, DETAILED, wanted);
      return [
        ...await this.#ofNode(DETAILED, wanted),
        ...await objects.collect(),
        ...await objects.cluster(CLUSTER),
        ...identity(),
      ];
    }
    return [
      ...alarmTables(broker, PREFIX),
      ...await this.#ofNode(PREFIX, EVERYTHING),
      ...await new ObjectTables(broker, PREFIX, wanted).collect(),
      ...(await this.#totals.collect(PREFIX)).filter((table) => isWhole(table)),
      this.#messageSizes(),
      ...identity(),
    ];
  }

  /** The families that belong to no thing. */
  async #ofNode(prefix: string, wanted: Wanted): Promise<MetricTable[]> {
    const named = [
      ...this.#totals.churn(prefix),
      ...await nodeTables(this.#broker, prefix, this.#clock),
    ];
    const order = [
      [families.CHURN, "connection_churn_metrics"],
      [families.AUTH, "auth_attempt_metrics"],
      [families.NODE_COARSE, "node_coarse_metrics"],
      [families.NODE, "node_metrics"],
    ] as const;
    return named.filter((table) =>
      order.some(([metrics, family]) => table.metrics === metrics && wanted.family(family))
    );
  }

  #messageSizes(): Histogram {
    const { bytes, upTo } = this.#broker.messageSizes();
    const counts = upTo.map(({ bytes: limit, count }) => ({ limit, count }));
    return new Histogram(PREFIX, families.MESSAGE_SIZES, { protocol: "amqp091" }, counts, bytes);
  }

  *#lines(
    tables: readonly (MetricTable | Histogram)[],
    { endpoint }: Asked,
    begun: number,
  ): Generator<string, void, undefined> {
    let size = 0;
    for (const table of tables) {
      for (const line of table.lines()) {
        size += line.length;
        yield line;
      }
    }
    const registry = endpoint === "aggregated" ? "default" : endpoint;
    yield* this.#scrapes.lines(registry);
    this.#scrapes.note(registry, (performance.now() - begun) / 1000, size);
  }
}

/** True for what is told of the broker as a whole even where each thing is told of. */
function isWhole({ metrics }: MetricTable): boolean {
  return [
    families.OBJECTS,
    families.GLOBAL_PUBLISHED,
    families.GLOBAL_DELIVERED,
    families.DEAD_LETTERED,
  ].includes(metrics);
}

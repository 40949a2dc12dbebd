import type { Broker, JsonObject, JsonValue, Meter } from "../mod.ts";
import { Slices } from "../http/slices.ts";
import type { Call } from "./context.ts";
import { badRequest } from "./errors.ts";
import type { Span } from "./history.ts";
import type { Rates } from "./rates.ts";

/** So many samples are told at most. */
const SAMPLES_MAX = 1500;

/** So much that stays the same is remembered for a list. */
const STEADY_MAX = 64;

/** What counts messages, by the names of meters and of the API. */
const MESSAGE_STATS: Readonly<Record<string, string>> = {
  publish: "publish",
  publishIn: "publish_in",
  publishOut: "publish_out",
  confirm: "confirm",
  returnUnroutable: "return_unroutable",
  dropUnroutable: "drop_unroutable",
  get: "get",
  getNoAck: "get_no_ack",
  getEmpty: "get_empty",
  deliver: "deliver",
  deliverNoAck: "deliver_no_ack",
  redeliver: "redeliver",
  ack: "ack",
  deliverGet: "deliver_get",
};

/** How many there are at this moment. */
export const LENGTHS: Readonly<Record<string, string>> = {
  messages: "messages",
  messagesReady: "messages_ready",
  messagesUnacknowledged: "messages_unacknowledged",
};

/** Bytes. */
export const OCTETS: Readonly<Record<string, string>> = {
  recvOct: "recv_oct",
  sendOct: "send_oct",
};

/** What comes and goes. */
export const CHURN: Readonly<Record<string, string>> = {
  connectionCreated: "connection_created",
  connectionClosed: "connection_closed",
  channelCreated: "channel_created",
  channelClosed: "channel_closed",
  queueDeclared: "queue_declared",
  queueCreated: "queue_created",
  queueDeleted: "queue_deleted",
};

/** A meter, or what stands for one. */
type Metered = Pick<Meter, "of" | "values">;

/** Tells numbers with their rates, and with samples of a time when the request says of which. */
export class Stats {
  readonly #rates: Rates;
  readonly #messages: Span | undefined;
  readonly #lengths: Span | undefined;
  readonly #data: Span | undefined;
  /** Samples of all things end at one time, however long it takes to tell them. */
  readonly #now: number;
  /** What is told of numbers that stay the same: of most things in a list, since most are idle. */
  readonly #steady = new Map<string, JsonObject>();

  /** @throws {HttpError} 400 when the request says nonsense. */
  constructor(rates: Rates, call: Call) {
    this.#rates = rates;
    this.#now = rates.now();
    this.#messages = readSpan(call, "msg_rates");
    this.#lengths = readSpan(call, "lengths");
    this.#data = readSpan(call, "data_rates");
  }

  /** `message_stats`, unless there never was a message. */
  messages(meter: Metered | undefined): { readonly message_stats?: JsonObject } {
    if (meter === undefined) return {};
    let any = false;
    for (const name in MESSAGE_STATS) any ||= (meter.values[name] ?? 0) > 0;
    if (!any) return {};
    return { message_stats: this.#tell(meter, MESSAGE_STATS, this.#messages) };
  }

  /** How many messages there are. */
  lengths(meter: Metered): JsonObject {
    return this.#tell(meter, LENGTHS, this.#lengths);
  }

  /** How many bytes came and went. */
  octets(meter: Metered): JsonObject {
    return this.#tell(meter, OCTETS, this.#data);
  }

  /** What came and went. */
  churn(meter: Metered): JsonObject {
    return this.#tell(meter, CHURN, this.#messages);
  }

  #tell(
    meter: Metered,
    names: Readonly<Record<string, string>>,
    span: Span | undefined,
  ): JsonObject {
    const told: Record<string, JsonValue> = {};
    for (const name in names) {
      const value = meter.values[name];
      if (value === undefined) continue;
      told[names[name]!] = value;
      told[`${names[name]}_details`] = span === undefined
        ? { rate: this.#rates.rate(meter, name) }
        : this.#withSamples(meter, name, span);
    }
    return told;
  }

  #withSamples(meter: Metered, name: string, span: Span): JsonObject {
    const steady = this.#rates.steady(meter, name, span, this.#now);
    if (steady === undefined) return this.#sampled(meter, name, span);
    const key = `${span.age} ${span.increment} ${steady.newest} ${steady.value}`;
    const before = this.#steady.get(key);
    if (before !== undefined) return before;
    if (this.#steady.size === STEADY_MAX) this.#steady.clear();
    const told = this.#sampled(meter, name, span);
    this.#steady.set(key, told);
    return told;
  }

  #sampled(meter: Metered, name: string, span: Span): JsonObject {
    const samples = this.#rates.samples(meter, name, span, this.#now);
    const [newest, second] = samples;
    const oldest = samples.at(-1)!;
    const seconds = (newest!.timestamp - oldest.timestamp) / 1000;
    let sum = 0;
    for (const { sample } of samples) sum += sample;
    return {
      rate: second === undefined ? 0 : (newest!.sample - second.sample) / span.increment,
      samples,
      avg_rate: seconds === 0 ? 0 : (newest!.sample - oldest.sample) / seconds,
      avg: sum / samples.length,
    };
  }
}

/** Meters by their names. */
export type FoundMeters = Pick<ReadonlyMap<string, Meter>, "get">;

/** The meters of connections or channels, for a list of them: many are found by no name otherwise. */
export class MetersByName implements FoundMeters {
  readonly #broker: Broker;
  readonly #kind: "connection" | "channel";
  readonly #found = new Map<string, Meter>();

  constructor(broker: Broker, kind: "connection" | "channel") {
    this.#broker = broker;
    this.#kind = kind;
  }

  /** Looks for all of them, with pauses. */
  async find(): Promise<void> {
    const slices = new Slices();
    for (const meter of this.#broker.meters(this.#kind)) {
      this.#found.set(meter.name, meter);
      if (slices.over) await slices.rest();
    }
  }

  get(name: string): Meter | undefined {
    return this.#found.get(name);
  }
}

function readSpan({ req }: Call, name: string): Span | undefined {
  const [ageText, incrementText] = [req.query(`${name}_age`), req.query(`${name}_incr`)];
  if (ageText === undefined || incrementText === undefined) return undefined;
  const [age, increment] = [Number(ageText), Number(incrementText)];
  if (
    Number.isInteger(age) && Number.isInteger(increment) && age >= 0 && increment > 0 &&
    age / increment <= SAMPLES_MAX
  ) return { age, increment };
  throw badRequest(`invalid parameters ${name}_age and ${name}_incr`);
}

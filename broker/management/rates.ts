import type { Broker, Clock, Meter, MeterKind } from "../mod.ts";
import { type Churn, countChurn } from "./churn.ts";
import { boundsOf, History, type Sample, sampled, type Span } from "./history.ts";
import { Slices } from "../http/slices.ts";
import { Seldom } from "./seldom.ts";

/** All is looked at so often, as in RabbitMQ. */
export const SAMPLE_MS = 5000;
/** Of one thing five minutes are kept, as long as something happens to it. */
const OBJECT_RINGS = [{ length: 61, everyMs: SAMPLE_MS }];
/** Of the whole an hour, and a day in minutes. */
const TOTAL_RINGS = [{ length: 721, everyMs: SAMPLE_MS }, { length: 1441, everyMs: 60_000 }];
/** So many histories of things are kept: some 25 MB. Of more there are rates alone. */
const HISTORIES_MAX = 4096;
/** Vhosts come last: for them all channels are looked at once more. */
const KINDS: readonly MeterKind[] = ["exchange", "queue", "connection", "channel"];

type Values = Readonly<Record<string, number>>;
const NOTHING: Values = Object.freeze({});
/** What of queues is summed up. */
const EMPTY: Values = Object.freeze({ messages: 0, messagesReady: 0, messagesUnacknowledged: 0 });

/** What is known of one meter. */
interface Known {
  values: Values;
  time: number;
  /** The time of the look before that. */
  formerTime: number;
  /** Since when its values are known to be as they are. */
  since: number;
  /** As they were before they changed. */
  former: Values;
  history: History | undefined;
  /** How many times nothing had changed. */
  idle: number;
}

/** A number that stays the same. */
export interface Steady {
  readonly value: number;
  /** The time of the newest sample there can be of it, in milliseconds since 1970. */
  readonly newest: number;
}

/** How much there is in all. */
export interface Totals {
  readonly queues: number;
  readonly consumers: number;
  readonly messages: number;
  readonly messagesReady: number;
  readonly messagesUnacknowledged: number;
}

/**
 * How fast things go: looks at all meters of a broker every five seconds, in slices. What is looked at
 * is counted anyway, so nothing is added to the way of a message.
 *
 * A thing to which nothing ever happens costs two references; one to which something does has a history,
 * up to a number of them, and leaves behind what it was like before and after its last change.
 */
export class Rates implements Disposable {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #known = new WeakMap<object, Known>();
  readonly #stopSampling: () => void;
  readonly #stopCounting: () => void;
  /** How often connections, channels and queues came and went. */
  readonly churn: Churn;
  /** Stands for the whole broker, and for its node. */
  readonly #whole = {};
  readonly #node = {};
  /** What stands for all the queues of a vhost. */
  readonly #lengths = new Map<string, object>();
  #sampling: Promise<void> | undefined = undefined;
  #histories = 0;
  /** When everything was looked at last. */
  #lastTime: number | undefined = undefined;
  /** How much there is in all queues: as it is now, unless there are so many that it takes long. */
  readonly #totals = new Seldom(() => this.#sumQueues());
  /** The same of what went through all vhosts. */
  readonly #messages = new Seldom(() => this.#sumVhosts());
  #stopped = false;

  constructor(broker: Broker, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
    [this.churn, this.#stopCounting] = countChurn(broker);
    this.#stopSampling = clock.every(SAMPLE_MS, () => void this.sample());
    this.sample();
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#stopSampling();
    this.#stopCounting();
  }

  /** Looks at everything now. One that takes long is not overtaken by the next. */
  sample(): Promise<void> {
    return this.#sampling ??= this.#sample().finally(() => this.#sampling = undefined);
  }

  async #sample(): Promise<void> {
    const time = this.#clock.now();
    const slices = new Slices();
    const sumsByVhost = new Map<string, Record<string, number>>();
    let histories = 0;
    for (const kind of KINDS) {
      for (const meter of this.#broker.meters(kind)) {
        if (this.#note(meter.of, meter.values, time, OBJECT_RINGS)) histories++;
        if (kind === "queue") addTo(sumsOf(sumsByVhost, meter.vhost), meter.values);
        if (slices.over) await slices.rest();
        if (this.#stopped) return;
      }
    }
    const messages: Record<string, number> = {};
    const lengths: Record<string, number> = { ...EMPTY };
    const vhosts = await this.#broker.vhostMeters();
    if (this.#stopped) return;
    for (const meter of vhosts) {
      const of = this.#lengths.get(meter.name) ?? {};
      this.#lengths.set(meter.name, of);
      const sums = sumsOf(sumsByVhost, meter.name);
      addTo(messages, meter.values);
      addTo(lengths, sums);
      if (this.#note(meter.of, meter.values, time, OBJECT_RINGS)) histories++;
      if (this.#note(of, sums, time, OBJECT_RINGS)) histories++;
      if (slices.over) await slices.rest();
      if (this.#stopped) return;
    }
    const names = new Set(vhosts.map(({ name }) => name));
    for (const name of this.#lengths.keys()) if (!names.has(name)) this.#lengths.delete(name);
    this.#histories = histories;
    const { memoryUsed, diskFree } = this.#broker.node();
    this.#note(this.#whole, { ...messages, ...lengths, ...this.churn }, time, TOTAL_RINGS);
    this.#note(this.#node, { memoryUsed, diskFree: diskFree ?? 0 }, time, TOTAL_RINGS);
    this.#lastTime = time;
  }

  /** True when a history of it is kept. */
  #note(of: object, values: Values, time: number, rings: typeof TOTAL_RINGS): boolean {
    const known = this.#known.get(of) ?? this.#meet(of, values, time);
    const { since, former, values: before } = known;
    const changed = !same(before, values);
    if (changed) [known.former, known.values, known.since] = [before, values, time];
    known.formerTime = known.time;
    known.time = time;
    known.idle = changed ? 0 : known.idle + 1;
    const whole = rings === TOTAL_RINGS;
    if (known.history === undefined && (whole || changed && this.#histories < HISTORIES_MAX)) {
      if (!whole) this.#histories++;
      known.history = new History(Object.keys(values), rings);
      // a thing that wakes up was there all the time
      known.history.push(-Infinity, former);
      known.history.push(since, before);
      known.history.push(known.formerTime, before);
    }
    if (!whole && known.idle > OBJECT_RINGS[0]!.length) known.history = undefined;
    known.history?.push(time, known.values);
    return known.history !== undefined;
  }

  /** What is there for the first time began with nothing after the last look, unless it was the first. */
  #meet(of: object, values: Values, time: number): Known {
    const begun = this.#lastTime !== undefined;
    const before = begun ? NOTHING : values;
    const then = this.#lastTime ?? time;
    const known: Known = {
      values: before,
      time: then,
      formerTime: then,
      since: then,
      former: NOTHING,
      history: undefined,
      idle: 0,
    };
    this.#known.set(of, known);
    return known;
  }

  /** The time, in milliseconds since 1970. */
  now(): number {
    return this.#clock.now();
  }

  /** How fast a number of a meter has grown between the last two looks, each second. */
  rate({ of }: Pick<Meter, "of">, name: string): number {
    const known = this.#known.get(of);
    if (known === undefined || known.idle > 0 || known.time === known.formerTime) return 0;
    const growth = (known.values[name] ?? 0) - (known.former[name] ?? 0);
    return growth * 1000 / (known.time - known.formerTime);
  }

  /** The values of a number that are kept. Before that it was as in the oldest of them; before anything was
   * known, 0. */
  samples(
    { of, values }: Pick<Meter, "of" | "values">,
    name: string,
    span: Span,
    now: number,
  ): readonly Sample[] {
    const known = this.#known.get(of);
    if (known?.history !== undefined) return known.history.samples(name, span, now);
    if (known === undefined) return sampled(span, now, () => values[name] ?? 0);
    const { since, values: { [name]: value = 0 }, former: { [name]: before = 0 } } = known;
    return sampled(span, now, (time) => time < since ? before : value);
  }

  /** The value of a number to which nothing has happened for a whole span; undefined when something has, or
   * could have. */
  steady(
    { of, values }: Pick<Meter, "of" | "values">,
    name: string,
    span: Span,
    now: number,
  ): Steady | undefined {
    const known = this.#known.get(of);
    if (known?.history !== undefined) return undefined;
    const { newest, oldest } = boundsOf(span, now);
    if (known !== undefined && known.since > oldest) return undefined;
    return { value: (known?.values ?? values)[name] ?? 0, newest };
  }

  /** All that went through the broker, as if it were one meter. */
  async whole(): Promise<Pick<Meter, "of" | "values">> {
    return { of: this.#whole, values: await this.#messages.get() };
  }

  /** What came and went, as if it were one meter. */
  comings(): Pick<Meter, "of" | "values"> {
    return { of: this.#whole, values: this.churn };
  }

  /** Memory and disk, as if they were one meter. */
  node(): Pick<Meter, "of" | "values"> {
    return { of: this.#node, values: this.#known.get(this.#node)?.values ?? {} };
  }

  /** What is in the queues of a vhost, as if it were one meter. */
  lengths(vhost: string, values: Values): Pick<Meter, "of" | "values"> {
    return { of: this.#lengths.get(vhost) ?? values, values };
  }

  /** How much there is in all queues. */
  totals(): Promise<Totals> {
    return this.#totals.get();
  }

  async #sumVhosts(): Promise<Values> {
    const values: Record<string, number> = {};
    const slices = new Slices();
    for (const meter of await this.#broker.vhostMeters()) {
      addTo(values, meter.values);
      if (slices.over) await slices.rest();
    }
    return values;
  }

  async #sumQueues(): Promise<Totals> {
    const slices = new Slices();
    const sums = { consumers: 0, messages: 0, messagesReady: 0, messagesUnacknowledged: 0 };
    let queues = 0;
    for (const { values } of this.#broker.meters("queue")) {
      queues++;
      addTo(sums, values);
      if (slices.over) await slices.rest();
    }
    return { queues, ...sums };
  }
}

function sumsOf(
  sumsByVhost: Map<string, Record<string, number>>,
  vhost: string,
): Record<string, number> {
  const sums = sumsByVhost.get(vhost) ?? { ...EMPTY };
  sumsByVhost.set(vhost, sums);
  return sums;
}

/** Adds the numbers that are in both; to an empty one all of them. */
function addTo(sums: Record<string, number>, values: Values): void {
  const names = Object.keys(sums).length === 0 ? Object.keys(values) : Object.keys(sums);
  for (const name of names) sums[name] = (sums[name] ?? 0) + (values[name] ?? 0);
}

function same(former: Values, values: Values): boolean {
  for (const name in values) if ((former[name] ?? 0) !== values[name]) return false;
  return true;
}

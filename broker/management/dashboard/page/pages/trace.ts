import { type Api, ApiError, type Data, path } from "../api.ts";
import { h, setText } from "../dom.ts";
import { count, exchangeName } from "../format.ts";
import { messageElement } from "../message.ts";
import { attempt, notify } from "../notice.ts";
import { button, head, listCard } from "../parts.ts";
import { repeat, type View } from "../view.ts";

const EVERY_MS = 1000;
/** So many are shown. */
const SHOWN_MAX = 200;
/** So many are taken each time: of more, none would be seen. */
const BATCH = SHOWN_MAX;
/** So many wait to be taken. Of more, the oldest go. */
const WAITING_MAX = 1000;
/** What the queues of this page are called. */
const QUEUES = "dashboard.trace.";
const BODY_MAX = 4096;
/** Where the firehose comes out. */
const TRACE_EXCHANGE = "amq.rabbitmq.trace";
/** What is told when the trace's queue is gone. */
const GONE =
  "The trace has ended: its queue was deleted, or nobody looked at this page for a while.";
/** What the exchange without a name is called here. */
const DEFAULT = exchangeName("");

/** Messages as they go by, by way of the firehose. */
export function showTrace(view: View): void {
  const { vhost = "/" } = view;
  const exchange = h("input", { id: "trace-exchange", placeholder: "all of them" });
  const deliveries = h("input", { id: "trace-deliveries", type: "checkbox" });
  const seen = h("span", { class: "muted" });
  const bar = h("div", { class: "toolbar slim", hidden: true }, seen);
  const messages = h("div", { class: "messages" });
  const empty = h("p", { class: "empty" }, "Start, and messages appear here as they go by.");
  const toggle = button("Start", () => void attempt(turn(), ""), "primary");
  let trace: Trace | undefined;
  let total = 0;

  const turn = async () => {
    toggle.disabled = true;
    try {
      if (trace !== undefined) {
        await trace.stop();
        trace = undefined;
      } else {
        const wanted = new Trace(view.api, vhost);
        await wanted.start(exchange.value.trim(), deliveries.checked);
        // somebody may have gone to another page meanwhile
        if (view.signal.aborted) return await wanted.stop();
        trace = wanted;
        messages.replaceChildren();
        total = 0;
      }
    } finally {
      toggle.disabled = false;
    }
    show(trace === undefined ? "Not tracing." : "Waiting for messages…");
  };
  const show = (state: string) => {
    toggle.textContent = trace === undefined ? "Start" : "Stop";
    exchange.disabled = deliveries.disabled = trace !== undefined;
    setText(empty, state);
  };
  view.signal.addEventListener("abort", () => void trace?.stop().catch(() => {}));
  addEventListener("pagehide", () => void trace?.stopAtOnce().catch(() => {}), {
    signal: view.signal,
  });

  view.main.append(
    head("Trace"),
    h(
      "p",
      { class: "muted" },
      `Shows copies of messages that are published in ${vhost}. While it runs, the broker copies ` +
        "every message of the virtual host: leave it on no longer than you need.",
    ),
    listCard(
      "Messages",
      [
        h(
          "span",
          { class: "inline" },
          h("label", { for: "trace-exchange" }, "Exchange"),
          exchange,
        ),
        h("label", { class: "inline" }, deliveries, "Deliveries too"),
        toggle,
      ],
      bar,
      messages,
      empty,
    ),
  );
  repeat(view, EVERY_MS, async () => {
    if (trace === undefined || trace.isEnding) return;
    const taking = trace;
    const taken = await taking.take(view.signal);
    if (taken === undefined) {
      trace = undefined;
      show(GONE);
      notify(GONE, "failed");
      return await taking.stop();
    }
    const { told, lost } = taken;
    total += told.length;
    for (const one of told) messages.prepend(draw(one));
    while (messages.childElementCount > SHOWN_MAX) messages.lastElementChild!.remove();
    empty.hidden = messages.childElementCount > 0;
    bar.hidden = false;
    const more = lost === 0 ? "" : `, ${count(lost)} more came faster than they can be shown`;
    setText(seen, `${count(total)} seen${more}`);
  });
}

/** What has gone by, and how much of it was too much. */
interface Taken {
  readonly told: Data[];
  readonly lost: number;
}

/** A queue that is bound to the firehose, and the firehose turned on meanwhile. */
class Trace {
  readonly #api: Api;
  readonly #vhost: string;
  // not randomUUID, which pages that came without TLS do not have
  readonly #number = crypto.getRandomValues(new Uint32Array(4)).join("-");
  #queue = "";
  /** The firehose was on before any of these pages: it stays on. */
  #wasOn = false;
  /** Other pages that trace. */
  #others: readonly string[] = [];
  #exchange = "";
  #taken = 0;
  /** Settles when nothing is being taken any more. */
  #taking: Promise<unknown> = Promise.resolve();
  #ending: Promise<void> | undefined;

  constructor(api: Api, vhost: string) {
    this.#api = api;
    this.#vhost = vhost;
  }

  async start(exchange: string, deliveries: boolean): Promise<void> {
    this.#exchange = exchange;
    const [{ tracing }, others] = await Promise.all([
      this.#api.get(path`/vhosts/${this.#vhost}`),
      this.#findOthers(),
    ]);
    // whoever comes second finds it on, by the first; who was there first knows more
    this.#wasOn = tracing &&
      (others.length === 0 || others.some((name) => name.startsWith(`${QUEUES}kept.`)));
    this.#queue = `${QUEUES}${this.#wasOn ? "kept." : ""}${this.#number}`;
    await this.#api.ask("PUT", this.#path, {
      body: {
        durable: false,
        // it goes by itself when this page is gone; and it never holds up anybody
        arguments: {
          "x-expires": 30_000,
          "x-max-length": WAITING_MAX,
          "x-queue-type": "classic",
        },
      },
    });
    const keys = [
      exchange === "" ? "publish.#" : `publish.${exchange === DEFAULT ? "" : exchange}`,
      ...deliveries ? ["deliver.#"] : [],
    ];
    const at = path`/bindings/${this.#vhost}/e/${TRACE_EXCHANGE}/q/${this.#queue}`;
    for (const routing_key of keys) await this.#api.ask("POST", at, { body: { routing_key } });
    // also when it was on: the page that turned it on may have stopped meanwhile
    if (!this.#wasOn) await this.#setTracing(true);
  }

  /** True from when it is stopped: its queue may be gone. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /**
   * What has gone by since the last time; and how much has been dropped in all, since too much came.
   *
   * @returns Undefined when its queue is gone.
   */
  take(signal: AbortSignal): Promise<Taken | undefined> {
    const taking = this.#take(signal).catch((error) => unlessGone(error));
    this.#taking = taking.catch(() => {});
    return taking;
  }

  async #take(signal: AbortSignal): Promise<Taken> {
    const body = {
      count: BATCH,
      ackmode: "ack_requeue_false",
      encoding: "auto",
      truncate: BODY_MAX,
    };
    const taken: Data[] = await this.#api.ask("POST", `${this.#path}/get`, { body, signal });
    this.#taken += taken.length;
    const columns = "columns=messages,message_stats.publish";
    const [{ messages, message_stats: stats }, others] = await Promise.all([
      this.#api.get(`${this.#path}?${columns}`, signal),
      this.#findOthers(signal),
    ]);
    this.#others = others;
    return {
      told: taken.filter((one) => this.#isWanted(one)),
      lost: (stats?.publish ?? 0) - messages - this.#taken,
    };
  }

  /** The key of a delivery names the queue alone. */
  #isWanted({ properties: { headers } }: Data): boolean {
    return this.#exchange === "" || exchangeName(headers.exchange_name) === this.#exchange;
  }

  /** Ends it, and the firehose with the last of these pages. */
  async stop(): Promise<void> {
    try {
      await (this.#ending ??= this.#end());
    } catch (error) {
      this.#ending = undefined;
      throw error;
    }
  }

  async #end(): Promise<void> {
    // what is being taken would not find the queue any more
    await this.#taking;
    await this.#api.ask("DELETE", this.#path, { keepalive: true })
      // of a page that nobody looked at for a while it has gone by itself
      .catch((error) => unlessGone(error));
    if (!this.#wasOn && (await this.#findOthers()).length === 0) await this.#setTracing(false);
  }

  /** Both at once: a page that is left has no time for one after the other. */
  async stopAtOnce(): Promise<void> {
    await Promise.all([
      this.#wasOn || this.#others.length > 0 ? undefined : this.#setTracing(false),
      this.#api.ask("DELETE", this.#path, { keepalive: true }),
    ]);
  }

  async #findOthers(signal?: AbortSignal): Promise<string[]> {
    const at = path`/exchanges/${this.#vhost}/${TRACE_EXCHANGE}/bindings/source`;
    const bindings: Data[] = await this.#api.get(`${at}?columns=destination`, signal) as Data[];
    return bindings.map(({ destination }) => destination)
      .filter((name) => name.startsWith(QUEUES) && name !== this.#queue);
  }

  get #path(): string {
    return path`/queues/${this.#vhost}/${this.#queue}`;
  }

  async #setTracing(tracing: boolean): Promise<void> {
    await this.#api.ask("PUT", path`/vhosts/${this.#vhost}`, {
      body: { tracing },
      keepalive: true,
    });
  }
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof ApiError && error.status === 404)) throw error;
}

function draw(traced: Data): HTMLElement {
  const { routing_key, properties: { headers } } = traced;
  const published = routing_key.startsWith("publish.");
  const facts: [string, string][] = published
    ? [["To queues", headers.routed_queues.join(", ") || "none"]]
    : [["From queue", routing_key.slice("deliver.".length)]];
  return messageElement({
    badge: published ? "published" : "delivered",
    where: `${exchangeName(headers.exchange_name)} · ${headers.routing_keys.join(", ")}`,
    facts: [
      ...facts,
      ["Connection", headers.connection],
      ["Channel", `${headers.channel}`],
      ["User", headers.user],
    ],
    message: { ...traced, properties: headers.properties },
  });
}

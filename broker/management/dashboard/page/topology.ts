import { type Api, ApiError, type Data, exchangeInPath, path } from "./api.ts";
import { count, exchangeName } from "./format.ts";
import type { Direction, Graph, GraphEdge, GraphNode } from "./graph_layout.ts";

/** So many bindings are drawn before somebody asks for more. */
const BINDINGS = 60;
/** So many more each time. */
const STEP = 20;
/** So many exchanges to begin with, where there are too many bindings. */
const EXCHANGES = 30;
/** So many consumers of each queue. */
const CONSUMERS = 6;
/** A drawing with more is none that one could read, or a browser keep up to date. */
const EDGES_MAX = 400;

/**
 * The ways of messages in a vhost, put together from what the API tells. What is too much is folded:
 * each thing says how many neighbours are not drawn, and they can be asked for some at a time.
 */
export class Topology {
  readonly #api: Api;
  readonly #vhost: string;
  readonly #signal: AbortSignal;
  /** How many neighbours of a thing were asked for, by its name and a direction. */
  readonly #asked = new Map<string, number>();
  /** How many are drawn at present. */
  readonly #drawn = new Map<string, number>();
  #nodes = new Map<string, GraphNode>();
  #edges = new Map<string, GraphEdge>();
  /** How many bindings are still drawn unasked. */
  #room = BINDINGS;
  /** How many bindings, or where there are too many exchanges, were found and could not be drawn. */
  left: { readonly what: "bindings" | "exchanges"; readonly count: number } | undefined;
  #pages = 1;

  constructor(api: Api, vhost: string, signal: AbortSignal) {
    this.#api = api;
    this.#vhost = vhost;
    this.#signal = signal;
  }

  /** Shows some more of what is before or after a thing; or nothing of that any longer. */
  open(id: string, { direction, more }: { readonly direction: Direction; readonly more: boolean }) {
    const key = `${direction} ${id}`;
    const drawn = this.#drawn.get(key) ?? 0;
    this.#asked.set(key, more ? drawn + STEP : 0);
  }

  /** Shows some more of what was found and could not be drawn. */
  openMore(): void {
    this.#pages += 1;
  }

  /** Where messages of an exchange go: to exchanges, queues and consumers. */
  async from(exchange: string): Promise<Graph> {
    this.#begin();
    await this.#addExchange(exchange);
    return this.#graph;
  }

  /** Where a queue's messages come from, and who takes them. */
  async around(queue: string): Promise<Graph> {
    this.#begin();
    await this.#addQueue(queue);
    await this.#before("queue", queue);
    return this.#graph;
  }

  /** All ways; with a text, those through bindings in which it occurs. */
  async all(text: string): Promise<Graph> {
    this.#begin();
    const size = Math.min(BINDINGS * this.#pages, EDGES_MAX);
    const query = new URLSearchParams({
      default: "false",
      search: text,
      page: "1",
      page_size: `${text === "" ? BINDINGS : size}`,
    });
    const found: Data = await this.#api.get(
      `${path`/bindings/${this.#vhost}`}?${query}`,
      this.#signal,
    );
    const more = found.filtered_count - found.items.length;
    if (text === "" && more > 0) await this.#addExchanges();
    else {
      if (more > 0) this.left = { what: "bindings", count: more };
      await this.#addBindings(found.items);
    }
    return this.#graph;
  }

  #begin(): void {
    this.#nodes = new Map();
    this.#edges = new Map();
    this.#room = BINDINGS;
    this.left = undefined;
  }

  get #graph(): Graph {
    const known = ({ from, to }: GraphEdge) => this.#nodes.has(from) && this.#nodes.has(to);
    // what comes in its own time is drawn in an order that does not depend on that
    const nodes = [...this.#nodes.values()].sort((one, other) => one.id < other.id ? -1 : 1);
    const ways = Map.groupBy(
      [...this.#edges.values()].filter(known),
      ({ from, to }) => `${from}\0${to}`,
    );
    const edges = [...ways].sort(([one], [other]) => one < other ? -1 : 1)
      .map(([, all]) => ({
        from: all[0]!.from,
        to: all[0]!.to,
        labels: all.flatMap(({ labels }) => labels),
      }));
    return { nodes, edges };
  }

  /** The first exchanges, folded: where there are too many bindings, one looks for a way step by step. */
  async #addExchanges(): Promise<void> {
    const query = `page=1&page_size=${EXCHANGES * this.#pages}&columns=name`;
    const found: Data = await this.#api.get(
      `${path`/exchanges/${this.#vhost}`}?${query}`,
      this.#signal,
    );
    const more = found.filtered_count - found.items.length;
    if (more > 0) this.left = { what: "exchanges", count: more };
    this.#room = 0;
    await Promise.all(found.items.map(({ name }: Data) => this.#addExchange(name, true)));
  }

  /** Draws these bindings, and what is at their ends. */
  async #addBindings(bindings: readonly Data[]): Promise<void> {
    for (const binding of bindings) this.#addBinding(binding);
    const sources = new Set<string>(bindings.map(({ source }) => source));
    await Promise.all([
      ...[...sources].map((source) => this.#addExchange(source, false, false)),
      ...this.#targets(bindings, false),
    ]);
  }

  #targets(bindings: readonly Data[], onwards: boolean): Promise<void>[] {
    const names = (type: string) =>
      new Set<string>(
        bindings.filter((one) => one.destination_type === type).map((one) => one.destination),
      );
    return [
      ...[...names("queue")].map((name) => this.#addQueue(name)),
      ...[...names("exchange")].map((name) => this.#addExchange(name, false, onwards)),
    ];
  }

  /**
   * Adds an exchange.
   *
   * @param bound True when one without bindings is left out.
   * @param onwards True when what is bound to it is drawn as well.
   */
  async #addExchange(name: string, bound = false, onwards = true): Promise<void> {
    const id = `exchange ${name}`;
    if (name === "" || this.#nodes.has(id)) return;
    const at = path`/exchanges/${this.#vhost}/${exchangeInPath(name)}`;
    const href = path`#/exchanges/${this.#vhost}/${exchangeInPath(name)}`;
    const node = { id, kind: "exchange", name: exchangeName(name), under: "", href } as const;
    // it is known from now on: ways may go in a circle
    this.#nodes.set(id, node);
    const told = await this.#tell(`${at}?columns=type`);
    if (told === undefined) return void this.#nodes.delete(id);
    const under = told.type.startsWith("x-") ? told.type : `${told.type} exchange`;
    this.#nodes.set(id, { ...node, under });
    if (!onwards) return;
    const { bindings, fold } = await this.#bindings(`${at}/bindings/source`, id, "after");
    if (bound && bindings.length === 0 && fold.hidden === 0) return void this.#nodes.delete(id);
    this.#nodes.set(id, { ...node, under, after: fold });
    for (const binding of bindings) this.#addBinding(binding);
    await Promise.all(this.#targets(bindings, true));
  }

  /** Adds where messages of a thing come from, and where they come from there. */
  async #before(kind: "queue" | "exchange", name: string): Promise<void> {
    const id = `${kind} ${name}`;
    const at = kind === "queue"
      ? path`/queues/${this.#vhost}/${name}/bindings`
      : path`/exchanges/${this.#vhost}/${exchangeInPath(name)}/bindings/destination`;
    const { bindings, fold } = await this.#bindings(at, id, "before");
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    this.#nodes.set(id, { ...node, before: fold });
    for (const binding of bindings) this.#addBinding(binding);
    const sources = new Set<string>(bindings.map(({ source }) => source));
    await Promise.all([...sources].map(async (source) => {
      if (source === "" || this.#nodes.has(`exchange ${source}`)) return;
      await this.#addExchange(source, false, false);
      await this.#before("exchange", source);
    }));
  }

  /** Adds a queue and who takes from it. */
  async #addQueue(name: string): Promise<void> {
    const id = `queue ${name}`;
    if (this.#nodes.has(id)) return;
    const href = path`#/queues/${this.#vhost}/${name}`;
    const node = { id, kind: "queue", name, under: "", href } as const;
    this.#nodes.set(id, node);
    const columns = "columns=messages,consumer_details,type";
    const told = await this.#tell(`${path`/queues/${this.#vhost}/${name}`}?${columns}`);
    if (told === undefined) return void this.#nodes.delete(id);
    const consumers: Data[] = told.consumer_details ?? [];
    const key = `after ${id}`;
    const shown = consumers.slice(0, this.#asked.get(key) ?? CONSUMERS);
    this.#drawn.set(key, shown.length);
    const messages = told.messages === 1 ? "1 message" : `${count(told.messages ?? 0)} messages`;
    this.#nodes.set(id, {
      ...node,
      under: `${told.type} · ${messages}`,
      after: { hidden: consumers.length - shown.length, open: (this.#asked.get(key) ?? 0) > 0 },
    });
    for (const { consumer_tag, channel_details } of shown) {
      this.#addConsumer(id, consumer_tag, channel_details);
    }
  }

  #addConsumer(queue: string, tag: string, channel: Data): void {
    const id = `consumer ${channel.name} ${tag}`;
    const href = path`#/channels/${channel.name}`;
    const under = `${channel.user} · channel ${channel.number}`;
    this.#nodes.set(id, { id, kind: "consumer", name: tag, under, href });
    this.#edges.set(`${queue} ${id}`, { from: queue, to: id, labels: [] });
  }

  #addBinding({ source, destination_type, destination, routing_key, properties_key }: Data): void {
    // each queue is bound to the default exchange by its name
    if (source === "" || this.#edges.size >= EDGES_MAX) return;
    const [from, to] = [`exchange ${source}`, `${destination_type} ${destination}`];
    const labels = routing_key === "" ? [] : [routing_key];
    this.#edges.set(`${from} ${to} ${properties_key}`, { from, to, labels });
  }

  /** The bindings on one side of a thing that are to be drawn, and how many more there are. */
  async #bindings(where: string, id: string, direction: Direction) {
    const key = `${direction} ${id}`;
    const asked = this.#asked.get(key);
    const most = asked ?? Math.min(STEP, this.#room);
    // what others draw meanwhile must know of it
    if (asked === undefined) this.#room -= most;
    const size = Math.min(Math.max(most, 1), EDGES_MAX);
    const told = await this.#tell(`${where}?default=false&page=1&page_size=${size}`);
    const found: Data[] = told?.items ?? [];
    const bindings = found.slice(0, most);
    if (asked === undefined) this.#room += most - bindings.length;
    this.#drawn.set(key, bindings.length);
    const total: number = told?.filtered_count ?? 0;
    return { bindings, fold: { hidden: total - bindings.length, open: (asked ?? 0) > 0 } };
  }

  /** What is said of a thing; undefined when it has gone meanwhile. */
  async #tell(where: string): Promise<Data | undefined> {
    try {
      return await this.#api.get(where, this.#signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }
}

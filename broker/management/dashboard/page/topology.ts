import { type Api, type Data, exchangeInPath, path } from "./api.ts";
import { count, exchangeName } from "./format.ts";
import type { Graph, GraphEdge, GraphNode } from "./graph_layout.ts";

/** A drawing with more is none that one could read. */
const BINDINGS_MAX = 100;

/** Puts a graph together from what the API tells. */
export class TopologyWalk {
  readonly #api: Api;
  readonly #vhost: string;
  readonly #signal: AbortSignal;
  readonly #nodes = new Map<string, GraphNode>();
  readonly #edges = new Map<string, GraphEdge>();
  /** True when there was more than can be drawn. */
  cut = false;

  constructor(api: Api, vhost: string, signal: AbortSignal) {
    this.#api = api;
    this.#vhost = vhost;
    this.#signal = signal;
  }

  /** Everything that was found. */
  get graph(): Graph {
    const known = ({ from, to }: GraphEdge) => this.#nodes.has(from) && this.#nodes.has(to);
    return { nodes: [...this.#nodes.values()], edges: [...this.#edges.values()].filter(known) };
  }

  /** Follows messages from an exchange on: to exchanges, queues and consumers. */
  async from(exchange: string): Promise<void> {
    if (!await this.#addExchange(exchange)) return;
    const source = path`/exchanges/${this.#vhost}/${exchangeInPath(exchange)}/bindings/source`;
    await this.follow(await this.#bindings(source));
  }

  /** Follows these bindings to where they lead. */
  async follow(bindings: readonly Data[]): Promise<void> {
    for (const binding of bindings) this.#addBinding(binding);
    const names = (type: string) =>
      new Set(
        bindings.filter((one) => one.destination_type === type).map((one) => one.destination),
      );
    await Promise.all([
      ...[...names("queue")].map((name) => this.queue(name)),
      ...[...names("exchange")].map((name) => this.from(name)),
    ]);
  }

  /** Follows messages back to where they come from. */
  async back(kind: "queues" | "exchanges", name: string): Promise<void> {
    const where = kind === "queues"
      ? path`/queues/${this.#vhost}/${name}/bindings`
      : path`/exchanges/${this.#vhost}/${exchangeInPath(name)}/bindings/destination`;
    const bindings = await this.#bindings(where);
    for (const binding of bindings) this.#addBinding(binding);
    const sources = new Set<string>(bindings.map(({ source }) => source));
    await Promise.all([...sources].map(async (source) => {
      if (await this.#addExchange(source)) await this.back("exchanges", source);
    }));
  }

  /** Adds all bindings of the vhost, with what they lead to. */
  async all(): Promise<void> {
    const bindings = (await this.#bindings(path`/bindings/${this.#vhost}`, BINDINGS_MAX * 5))
      .filter(({ source }) => source !== "");
    const sources = new Set<string>(bindings.map(({ source }) => source));
    await Promise.all([...sources].map((source) => this.#addExchange(source)));
    await this.follow(bindings.slice(0, BINDINGS_MAX));
    this.cut ||= bindings.length > BINDINGS_MAX;
  }

  /** Adds a queue and who takes from it. */
  async queue(name: string): Promise<void> {
    const id = `queue ${name}`;
    if (this.#nodes.has(id)) return;
    const href = path`#/queues/${this.#vhost}/${name}`;
    this.#nodes.set(id, { id, kind: "queue", name, under: "", href });
    const columns = "columns=messages,consumer_details,type";
    const told = await this.#tell(`${path`/queues/${this.#vhost}/${name}`}?${columns}`);
    if (told === undefined) return void this.#nodes.delete(id);
    const under = `${told.type} · ${count(told.messages)} messages`;
    this.#nodes.set(id, { id, kind: "queue", name, under, href });
    for (const { consumer_tag, channel_details } of told.consumer_details ?? []) {
      this.#addConsumer(id, consumer_tag, channel_details);
    }
  }

  #addConsumer(queue: string, tag: string, channel: Data): void {
    const id = `consumer ${channel.name} ${tag}`;
    const href = path`#/connections/${channel.connection_name}`;
    const under = `${channel.user} · channel ${channel.number}`;
    this.#nodes.set(id, { id, kind: "consumer", name: tag, under, href });
    this.#edges.set(`${queue} ${id}`, { from: queue, to: id, label: "" });
  }

  #addBinding({ source, destination_type, destination, routing_key, properties_key }: Data): void {
    // each queue is bound to the default exchange by its name
    if (source === "") return;
    const [from, to] = [`exchange ${source}`, `${destination_type} ${destination}`];
    this.#edges.set(`${from} ${to} ${properties_key}`, { from, to, label: routing_key });
  }

  /** True when it was not known yet. */
  async #addExchange(name: string): Promise<boolean> {
    const id = `exchange ${name}`;
    if (name === "" || this.#nodes.has(id)) return false;
    const href = path`#/exchanges/${this.#vhost}/${exchangeInPath(name)}`;
    const node = { id, kind: "exchange", name: exchangeName(name), under: "", href } as const;
    this.#nodes.set(id, node);
    const told = await this.#tell(
      `${path`/exchanges/${this.#vhost}/${exchangeInPath(name)}`}?columns=type`,
    );
    if (told !== undefined) this.#nodes.set(id, { ...node, under: `${told.type} exchange` });
    return true;
  }

  async #bindings(where: string, most = BINDINGS_MAX): Promise<Data[]> {
    const told = await this.#tell(`${where}?page=1&page_size=${most}`);
    if (told === undefined) return [];
    this.cut ||= told.page_count > 1;
    return told.items;
  }

  /** What is said of a thing; undefined when it has gone meanwhile. */
  async #tell(where: string): Promise<Data | undefined> {
    try {
      return await this.#api.get(where, this.#signal);
    } catch (error) {
      if ((error as { status?: number }).status === 404) return undefined;
      throw error;
    }
  }
}

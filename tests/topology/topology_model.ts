import type { FieldTable, FieldValue } from "../../mod.ts";

/** An exchange of the model. */
export interface ModelExchange {
  readonly name: string;
  readonly type: string;
  readonly alternate: string | undefined;
  readonly internal: boolean;
}

/** A binding of the model. */
export interface ModelBinding {
  readonly source: string;
  /** The name of a queue or an exchange; these have different names here. */
  readonly destination: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/** A message of the model. */
export interface ModelMessage {
  readonly exchange: string;
  readonly routingKey: string;
  readonly headers: FieldTable;
}

/**
 * Exchanges, queues and bindings as lists, and routing as the documents tell it: each question is
 * answered by looking at everything. Slow, and so simple that it can be seen to be right.
 */
export class TopologyModel {
  exchanges: ModelExchange[] = [];
  queues: string[] = [];
  bindings: ModelBinding[] = [];

  /** The queues that get a message, each once. */
  route(message: ModelMessage): Set<string> {
    const { headers } = message;
    const keys = [message.routingKey, ...texts(headers["CC"]), ...texts(headers["BCC"])];
    if (message.exchange === "") return new Set(this.queues.filter((name) => keys.includes(name)));
    const found = new Set<string>();
    const seen = new Set([message.exchange]);
    // what is found is added to the set that is walked
    for (const name of seen) {
      const exchange = this.exchanges.find((each) => each.name === name);
      if (exchange === undefined) continue;
      const matching = this.bindings.filter((binding) =>
        binding.source === name && keys.some((key) => matches(exchange.type, binding, key, headers))
      );
      for (const { destination } of matching) {
        if (this.queues.includes(destination)) found.add(destination);
        else seen.add(destination);
      }
      if (matching.length === 0 && exchange.alternate !== undefined) seen.add(exchange.alternate);
    }
    return found;
  }

  /** Forgets an exchange or a queue and its bindings. */
  remove(name: string): void {
    this.exchanges = this.exchanges.filter((exchange) => exchange.name !== name);
    this.queues = this.queues.filter((queue) => queue !== name);
    this.bindings = this.bindings.filter(({ source, destination }) =>
      source !== name && destination !== name
    );
  }
}

function texts(value: FieldValue | undefined): string[] {
  return Array.isArray(value) ? value as string[] : [];
}

function matches(type: string, binding: ModelBinding, key: string, headers: FieldTable): boolean {
  switch (type) {
    case "direct":
      return binding.routingKey === key;
    case "fanout":
      return true;
    case "topic":
      return matchesPattern(wordsOf(binding.routingKey), wordsOf(key));
    default:
      return matchesHeaders(binding.arguments, headers);
  }
}

/** Nothing has no words, which RabbitMQ's documents do not say but RabbitMQ does. */
function wordsOf(key: string): string[] {
  return key === "" ? [] : key.split(".");
}

function matchesPattern(pattern: readonly string[], words: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return words.length === 0;
  if (first === "#") {
    return words.some((_, at) => matchesPattern(rest, words.slice(at))) || matchesPattern(rest, []);
  }
  if (words.length === 0) return false;
  return (first === "*" || first === words[0]) && matchesPattern(rest, words.slice(1));
}

function matchesHeaders(arguments_: FieldTable, headers: FieldTable): boolean {
  const match = String(arguments_["x-match"] ?? "all");
  const conditions = Object.entries(arguments_).filter(([name]) =>
    name !== "x-match" && (match.endsWith("-with-x") || !name.startsWith("x-"))
  );
  const holds = ([name, value]: [string, FieldValue]) =>
    name in headers && (value === null || headers[name] === value);
  return match.startsWith("all") ? conditions.every(holds) : conditions.some(holds);
}

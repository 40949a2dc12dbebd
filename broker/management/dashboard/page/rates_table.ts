import type { Data } from "./api.ts";
import { count, rate } from "./format.ts";
import { Table } from "./table.ts";

/** What is counted of messages, by the names of the API, in the order of a message's life. */
const MESSAGES = [
  ["publish", "Published"],
  ["publish_in", "In"],
  ["publish_out", "Out to queues"],
  ["confirm", "Publisher confirms"],
  ["return_unroutable", "Unroutable (returned)"],
  ["drop_unroutable", "Unroutable (dropped)"],
  ["deliver", "Delivered (manual ack)"],
  ["deliver_no_ack", "Delivered (auto ack)"],
  ["ack", "Acked"],
  ["redeliver", "Redelivered"],
  ["get", "Get (manual ack)"],
  ["get_no_ack", "Get (auto ack)"],
  ["get_empty", "Get (queue empty)"],
] as const;

/** What comes and goes. */
const CHURN = [
  ["connection_created", "Connections opened"],
  ["connection_closed", "Connections closed"],
  ["channel_created", "Channels opened"],
  ["channel_closed", "Channels closed"],
  ["queue_created", "Queues created"],
  ["queue_declared", "Queues declared"],
  ["queue_deleted", "Queues deleted"],
] as const;

const KINDS = { messages: MESSAGES, churn: CHURN };

/** A table of everything that is counted: how fast, and how many in all. */
export class RatesTable {
  readonly #table: Table<{ readonly name: string; readonly label: string; readonly stats: Data }>;
  readonly #kind: keyof typeof KINDS;

  constructor(title: string, kind: keyof typeof KINDS) {
    this.#kind = kind;
    this.#table = new Table(
      title,
      [
        { title: "What", text: ({ label }) => label },
        {
          title: "Now",
          numeric: true,
          text: ({ name, stats }) => rate(stats[`${name}_details`]?.rate ?? 0),
        },
        { title: "In all", numeric: true, text: ({ name, stats }) => count(stats[name]) },
      ],
      ({ name }) => name,
      "Nothing yet.",
    );
  }

  get element(): HTMLElement {
    return this.#table.element;
  }

  /** Shows what the API has told; what is not counted of such a thing is left out. */
  set(stats: Data = {}): void {
    this.#table.set(
      KINDS[this.#kind].filter(([name]) => stats[name] !== undefined)
        .map(([name, label]) => ({ name, label, stats })),
    );
  }
}

import { type Data, exchangeInPath, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { readJson } from "../fields.ts";
import { exchangeName } from "../format.ts";
import { notify } from "../notice.ts";
import { confirmed } from "../parts.ts";
import type { View } from "../view.ts";

const ROUTING = [
  { name: "routing_key", label: "Routing key" },
  {
    name: "arguments",
    label: "Arguments",
    kind: "json",
    hint: 'JSON, such as {"x-match": "all", "region": "eu"} for a headers exchange',
  },
] as const;

/** Asks from which exchange a queue is to get messages. */
export function bindQueue({ api }: View, vhost: string, queue: string): Promise<boolean> {
  return showForm({
    title: `Bind ${queue}`,
    action: "Bind",
    fields: [{ name: "source", label: "From exchange", required: true }, ...ROUTING],
    submit: (values) => bind(api, vhost, { source: values["source"]!, queue }, values),
  });
}

/** Asks to where an exchange is to hand on messages. */
export function bindExchange({ api }: View, vhost: string, source: string): Promise<boolean> {
  return showForm({
    title: `Bind something to ${exchangeName(source)}`,
    action: "Bind",
    fields: [
      { name: "type", label: "To a", kind: "select", options: ["queue", "exchange"] },
      { name: "destination", label: "Its name", required: true },
      ...ROUTING,
    ],
    submit: (values) => {
      const name = values["destination"]!;
      const to = values["type"] === "queue" ? { queue: name } : { exchange: name };
      return bind(api, vhost, { source, ...to }, values);
    },
  });
}

/** Asks whether a binding is to go. */
export function unbind({ api }: View, binding: Data): Promise<boolean> {
  const { vhost, source, destination_type, destination, properties_key } = binding;
  const ends = { source, [destination_type]: destination };
  return confirmed(
    "Delete this binding?",
    `${exchangeName(source)} will not hand on messages to ${destination} this way any longer.`,
    "Delete",
    () => api.ask("DELETE", `${between(vhost, ends)}/${encodeURIComponent(properties_key)}`),
    "The binding is gone.",
  );
}

interface Ends {
  readonly source: string;
  readonly queue?: string;
  readonly exchange?: string;
}

async function bind(
  api: View["api"],
  vhost: string,
  ends: Ends,
  values: Readonly<Record<string, string>>,
): Promise<void> {
  const body = {
    routing_key: values["routing_key"],
    arguments: readJson(values["arguments"]!, "Arguments"),
  };
  await api.ask("POST", between(vhost, ends), { body });
  notify("The binding is there.");
}

function between(vhost: string, { source, queue, exchange }: Ends): string {
  const from = exchangeInPath(source);
  return exchange === undefined
    ? path`/bindings/${vhost}/e/${from}/q/${queue!}`
    : path`/bindings/${vhost}/e/${from}/e/${exchangeInPath(exchange)}`;
}

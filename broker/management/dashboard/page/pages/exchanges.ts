import { type Data, exchangeInPath, path } from "../api.ts";
import { exchangeName, rate } from "../format.ts";
import { declareExchange } from "../forms/exchange.ts";
import { showList } from "../list.ts";
import { button, head } from "../parts.ts";
import type { View } from "../view.ts";

/** All exchanges. */
export function showExchanges(view: View): void {
  const add = async () => {
    if (await declareExchange(view)) await list.refresh();
  };
  const speed = (title: string, name: string) => ({
    title,
    sort: `message_stats.${name}_details.rate`,
    numeric: true,
    text: (one: Data) => rate(one.message_stats?.[`${name}_details`]?.rate ?? 0),
  });
  const list = showList(view, {
    title: "Exchanges",
    path: view.vhost === undefined ? "/exchanges" : path`/exchanges/${view.vhost}`,
    key: ({ vhost, name }) => `${vhost}\0${name}`,
    actions: [button("New exchange", () => void add(), "primary")],
    columns: [
      {
        title: "Name",
        sort: "name",
        text: ({ name }) => exchangeName(name),
        href: ({ vhost, name }) => path`#/exchanges/${vhost}/${exchangeInPath(name)}`,
      },
      ...view.vhost === undefined
        ? [{ title: "Virtual host", sort: "vhost", text: ({ vhost }: Data) => vhost, minor: true }]
        : [],
      { title: "Type", sort: "type", text: ({ type }) => type },
      { title: "Features", text: exchangeFeatures, minor: true },
      speed("In", "publish_in"),
      speed("Out", "publish_out"),
    ],
  });
  view.main.append(head("Exchanges"), list.element);
}

/** What is special about an exchange, in short. */
export function exchangeFeatures(exchange: Data): string {
  const { durable, auto_delete, internal, policy } = exchange;
  return [
    durable ? "durable" : "transient",
    auto_delete ? "auto-delete" : "",
    internal ? "internal" : "",
    policy ? `policy ${policy}` : "",
    ...Object.keys(exchange.arguments ?? {}).map((name) => name.replace(/^x-/, "")),
  ].filter(Boolean).join(", ");
}

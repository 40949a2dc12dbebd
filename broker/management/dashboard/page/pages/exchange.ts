import { type Data, exchangeInPath, path } from "../api.ts";
import { bindingsList } from "../bindings_list.ts";
import { Charts, type Plot, THING_RANGES } from "../charts.ts";
import { delayedList } from "../delayed.ts";
import { h, setText } from "../dom.ts";
import { exchangeName, inline, rate } from "../format.ts";
import { bindExchange } from "../forms/binding.ts";
import { publishMessage } from "../forms/publish.ts";
import { GraphView } from "../graph.ts";
import { button, card, confirmed, head, tellCount, tellFacts, tile } from "../parts.ts";
import { Topology } from "../topology.ts";
import { repeat, type View } from "../view.ts";
import { exchangeFeatures } from "./exchanges.ts";

const EVERY_MS = 1000;
const TOPOLOGY_MS = 5000;

const EXCHANGE_RATES: Plot = {
  title: "Message rates",
  lines: [["publish_in", "In", "blue"], ["publish_out", "Out to queues", "green"]],
  format: rate,
  kind: "rates",
  span: "msg_rates",
  of: ({ message_stats }) => message_stats,
};

/** One exchange. */
export function showExchange(view: View): void {
  const [vhost = "/", given = ""] = view.names;
  const name = given === exchangeInPath("") ? "" : given;
  const at = path`/exchanges/${vhost}/${exchangeInPath(name)}`;
  const tiles = {
    in: tile("In"),
    out: tile("Out to queues"),
    published: tile("Came in, in all"),
    handed: tile("Went out, in all"),
  };
  const charts = new Charts([EXCHANGE_RATES], THING_RANGES, view.signal, () => void refresh());
  const facts = h("dl", { class: "facts" });
  const topology = new Topology(view.api, vhost, view.signal);
  const graph = new GraphView(`Where messages of ${exchangeName(name)} go`, (id, open) => {
    topology.open(id, open);
    return refreshTopology();
  });
  const delayed = h("div", { hidden: true });

  const publish = async () => {
    if (await publishMessage(view, vhost, name)) await refresh();
  };
  const bind = async () => {
    if (!await bindExchange(view, vhost, name)) return;
    await Promise.all([outgoing.refresh(), refreshTopology()]);
  };
  const remove = async () => {
    const deleted = await confirmed(
      `Delete ${name}?`,
      "It will be gone with all its bindings.",
      "Delete",
      ({ unused = "" }) => view.api.ask("DELETE", `${at}?if-unused=${unused}`),
      "The exchange is gone.",
      [{ name: "unused", label: "Only if nothing is bound to it", kind: "check" }],
    );
    if (deleted) location.hash = "#/exchanges";
  };
  const onGone = () => void refreshTopology();
  const outgoing = bindingsList(view, {
    title: "Bindings to queues and exchanges",
    path: `${at}/bindings/source`,
    ends: "destination",
    onGone,
  });
  const incoming = bindingsList(view, {
    title: "Bindings from exchanges",
    path: `${at}/bindings/destination`,
    ends: "source",
    onGone,
  });
  const fixed = name === "" || name.startsWith("amq.");
  const way = name === ""
    ? card(
      "Message flow",
      h("p", {}, "It hands each message to the queue that is named like the routing key."),
    )
    : card("Message flow", graph.element);
  view.main.append(
    head(exchangeName(name), [h("a", { href: "#/exchanges" }, "Exchanges"), ` in ${vhost}`], [
      button("Publish", () => void publish(), "primary"),
      name === "" ? undefined : button("Bind", () => void bind()),
      fixed ? undefined : button("Delete", () => void remove(), "danger"),
    ]),
    h("div", { class: "tiles four" }, ...Object.values(tiles).map(({ element }) => element)),
    charts.element,
    way,
    delayed,
    outgoing.element,
    incoming.element,
    card("Facts", facts),
  );

  const refresh = repeat(view, EVERY_MS, async () => {
    const told = await view.api.get(`${at}?${charts.query}`, view.signal);
    charts.set(told);
    const [received = 0, handed = 0] = charts.newest(EXCHANGE_RATES);
    setText(tiles.in.value, rate(received));
    setText(tiles.out.value, rate(handed));
    tellCount(tiles.published, told.message_stats?.publish_in ?? 0);
    tellCount(tiles.handed, told.message_stats?.publish_out ?? 0);
    tellFacts(facts, factsOf(told));
    if (told.type === "x-delayed-message" && delayed.hidden) {
      delayed.hidden = false;
      delayed.append(delayedList(view, vhost, name));
    }
  });
  const refreshTopology = repeat(view, TOPOLOGY_MS, async () => {
    if (name !== "") graph.set(await topology.from(name));
  });
}

function factsOf(exchange: Data): [string, string][] {
  return [
    ["Type", exchange.type],
    ["Features", exchangeFeatures(exchange)],
    ["Policy", exchange.policy ?? "none"],
    ...Object.entries(exchange.arguments ?? {})
      .map(([name, value]): [string, string] => [name, inline(value)]),
  ];
}

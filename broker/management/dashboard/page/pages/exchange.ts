import { type Data, exchangeInPath, path } from "../api.ts";
import { bindingsTable } from "../bindings_table.ts";
import { delayedList } from "../delayed.ts";
import { h, setText } from "../dom.ts";
import { count, exchangeName, inline, rate } from "../format.ts";
import { bindExchange } from "../forms/binding.ts";
import { publishMessage } from "../forms/publish.ts";
import { GraphView } from "../graph.ts";
import { button, card, confirmed, head, listCard, tellFacts, tile } from "../parts.ts";
import { TopologyWalk } from "../topology.ts";
import { repeat, type View } from "../view.ts";
import { exchangeFeatures } from "./exchanges.ts";

const EVERY_MS = 3000;

/** One exchange. */
export function showExchange(view: View): void {
  const [vhost = "/", given = ""] = view.names;
  const name = given === exchangeInPath("") ? "" : given;
  const at = path`/exchanges/${vhost}/${exchangeInPath(name)}`;
  const tiles = {
    in: tile("In"),
    out: tile("Out"),
    published: tile("Came in, in all"),
    handed: tile("Went out, in all"),
  };
  const facts = h("dl", { class: "facts" });
  const outgoing = bindingsTable(view, "destination", () => void refresh());
  const incoming = bindingsTable(view, "source", () => void refresh());
  const graph = new GraphView(`Where messages of ${exchangeName(name)} go`);
  const note = h("p", { class: "muted", hidden: true }, "There is more than can be drawn.");
  const implied = h(
    "p",
    { class: "muted", hidden: name !== "" },
    "It hands each message to the queue that is named like the routing key.",
  );
  const delayed = h("div", { hidden: true });

  const publish = async () => {
    if (await publishMessage(view, vhost, name)) await refresh();
  };
  const bind = async () => {
    if (await bindExchange(view, vhost, name)) await refresh();
  };
  const remove = async () => {
    const text = "It will be gone with all its bindings.";
    const work = () => view.api.ask("DELETE", at);
    if (await confirmed(`Delete ${name}?`, text, "Delete", work, "The exchange is gone.")) {
      location.hash = "#/exchanges";
    }
  };
  const fixed = name === "" || name.startsWith("amq.");
  view.main.append(
    head(exchangeName(name), [h("a", { href: "#/exchanges" }, "Exchanges"), ` in ${vhost}`], [
      button("Publish", () => void publish(), "primary"),
      name === "" ? undefined : button("Bind", () => void bind()),
      fixed ? undefined : button("Delete", () => void remove(), "danger"),
    ]),
    h("div", { class: "tiles four" }, ...Object.values(tiles).map(({ element }) => element)),
    card("Way of messages", graph.element, implied, note),
    delayed,
    h(
      "div",
      { class: "columns wide" },
      listCard("Bindings to queues and exchanges", [], outgoing.element),
      listCard("Bindings from exchanges", [], incoming.element),
    ),
    card("Facts", facts),
  );

  const refresh = repeat(view, EVERY_MS, async () => {
    const ask = (where: string) => view.api.get(at + where, view.signal);
    const [told, out, into]: Data[] = await Promise.all([
      ask(""),
      ask("/bindings/source?page=1&page_size=100"),
      ask("/bindings/destination?page=1&page_size=100"),
    ]);
    const stats = told.message_stats ?? {};
    setText(tiles.in.value, rate(stats.publish_in_details?.rate ?? 0));
    setText(tiles.out.value, rate(stats.publish_out_details?.rate ?? 0));
    setText(tiles.published.value, count(stats.publish_in ?? 0));
    setText(tiles.handed.value, count(stats.publish_out ?? 0));
    outgoing.set(out.items);
    incoming.set(into.items);
    tellFacts(facts, factsOf(told));
    if (told.type === "x-delayed-message" && delayed.hidden) {
      delayed.hidden = false;
      delayed.append(delayedList(view, vhost, name));
    }
    const walk = new TopologyWalk(view.api, vhost, view.signal);
    await walk.from(name);
    await walk.follow(name === "" ? [] : out.items);
    graph.set(walk.graph);
    note.hidden = !walk.cut;
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

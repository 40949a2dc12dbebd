import { type Data, path } from "../api.ts";
import { bindingsTable } from "../bindings_table.ts";
import { Browser } from "../browser.ts";
import { MessageCharts } from "../charts.ts";
import { consumersTable } from "../consumers_table.ts";
import { h, setText } from "../dom.ts";
import { bytes, count, inline, rate } from "../format.ts";
import { bindQueue } from "../forms/binding.ts";
import { publishMessage } from "../forms/publish.ts";
import { GraphView } from "../graph.ts";
import { button, card, confirmed, head, listCard, tellFacts, tile } from "../parts.ts";
import { RANGES } from "../series.ts";
import { TopologyWalk } from "../topology.ts";
import { repeat, type View } from "../view.ts";
import { featuresOf } from "./queues.ts";

const EVERY_MS = 1000;
const TOPOLOGY_MS = 5000;
/** Of one queue no more is kept. */
const QUEUE_RANGES = [RANGES[0]!, { title: "5 min", age: 300, step: 5 }];

/** One queue. */
export function showQueue(view: View): void {
  const [vhost = "/", name = ""] = view.names;
  const at = path`/queues/${vhost}/${name}`;
  const tiles = {
    messages_ready: tile("Ready"),
    messages_unacknowledged: tile("Unacked"),
    in: tile("In"),
    out: tile("Out"),
    size: tile("Size of ready"),
    consumers: tile("Consumers"),
  };
  const charts = new MessageCharts(QUEUE_RANGES, view.signal, () => void refresh());
  const facts = h("dl", { class: "facts" });
  const consumers = consumersTable();
  const bindings = bindingsTable(view, "source", () => void refreshTopology());
  const graph = new GraphView(`Where ${name} gets messages from, and who takes them`);
  const browser = new Browser(view, vhost, name);

  const publish = async () => {
    if (!await publishMessage(view, vhost, "", name)) return;
    await refresh();
    await browser.refresh();
  };
  const bind = async () => {
    if (await bindQueue(view, vhost, name)) await refreshTopology();
  };
  const purge = async () => {
    const text = "All messages that are ready will be gone.";
    const work = () => view.api.ask("DELETE", `${at}/contents`);
    if (await confirmed(`Purge ${name}?`, text, "Purge", work, "The queue is empty.")) {
      await browser.refresh();
    }
  };
  const remove = async () => {
    const text = "It will be gone with all its messages and bindings.";
    const work = () => view.api.ask("DELETE", at);
    if (!await confirmed(`Delete ${name}?`, text, "Delete", work, "The queue is gone.")) return;
    location.hash = "#/queues";
  };
  view.main.append(
    head(name, [h("a", { href: "#/queues" }, "Queues"), ` in ${vhost}`], [
      button("Publish", () => void publish(), "primary"),
      button("Bind", () => void bind()),
      button("Purge", () => void purge(), "danger"),
      button("Delete", () => void remove(), "danger"),
    ]),
    h("div", { class: "tiles six" }, ...Object.values(tiles).map(({ element }) => element)),
    charts.element,
    card("Way of messages", graph.element),
    browser.element,
    h(
      "div",
      { class: "columns wide" },
      listCard("Consumers", [], consumers.element),
      listCard("Bindings", [], bindings.element),
    ),
    card("Facts", facts),
  );

  const refresh = repeat(view, EVERY_MS, async () => {
    const told = await view.api.get(`${at}?${charts.query}`, view.signal);
    charts.set(told.message_stats, told);
    const [published = 0, delivered = 0] = charts.newest;
    setText(tiles.messages_ready.value, count(told.messages_ready));
    setText(tiles.messages_unacknowledged.value, count(told.messages_unacknowledged));
    setText(tiles.in.value, rate(published));
    setText(tiles.out.value, rate(delivered));
    setText(tiles.size.value, bytes(told.message_bytes_ready));
    setText(tiles.consumers.value, count(told.consumers));
    consumers.set(told.consumer_details);
    tellFacts(facts, factsOf(told));
  });
  const refreshTopology = repeat(view, TOPOLOGY_MS, async () => {
    const walk = new TopologyWalk(view.api, vhost, view.signal);
    await Promise.all([walk.queue(name), walk.back("queues", name)]);
    graph.set(walk.graph);
    const told = await view.api.get(`${at}/bindings?page=1&page_size=100`, view.signal);
    bindings.set(told.items);
  });
}

function factsOf(queue: Data): [string, string][] {
  const given: [string, string][] = Object.entries(queue.arguments ?? {})
    .map(([name, value]) => [name, inline(value)]);
  const effective: [string, string][] = Object.entries(queue.effective_policy_definition ?? {})
    .map(([name, value]) => [`${name} (policy)`, inline(value)]);
  return [
    ["Type", queue.type],
    ["Features", featuresOf(queue)],
    ["Policy", queue.policy ?? "none"],
    ["Operator policy", queue.operator_policy ?? "none"],
    ["Owner", queue.owner_pid_details?.name ?? "none"],
    ...given,
    ...effective,
  ];
}

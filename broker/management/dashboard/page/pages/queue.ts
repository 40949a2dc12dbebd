import { type Data, path } from "../api.ts";
import { bindingsList } from "../bindings_list.ts";
import { Browser } from "../browser.ts";
import { Charts, MESSAGE_RATES, MESSAGES_WAITING, THING_RANGES } from "../charts.ts";
import { consumersTable } from "../consumers_table.ts";
import { h, setText } from "../dom.ts";
import { bytes, inline, rate } from "../format.ts";
import { bindQueue } from "../forms/binding.ts";
import { publishMessage } from "../forms/publish.ts";
import { GraphView } from "../graph.ts";
import { button, card, confirmed, head, listCard, tellCount, tellFacts, tile } from "../parts.ts";
import { RatesTable } from "../rates_table.ts";
import { Topology } from "../topology.ts";
import { repeat, type View } from "../view.ts";
import { featuresOf } from "./queues.ts";

const EVERY_MS = 1000;
const TOPOLOGY_MS = 5000;

/** How much of what there is, by the names of the API. */
const SIZES = [
  ["message_bytes_ready", "Ready"],
  ["message_bytes_unacknowledged", "Unacked"],
  ["message_bytes_persistent", "Persistent"],
  ["message_bytes_ram", "Held in memory"],
] as const;

/** One queue. */
export function showQueue(view: View): void {
  const [vhost = "/", name = ""] = view.names;
  const at = path`/queues/${vhost}/${name}`;
  const tiles = {
    ready: tile("Ready"),
    unacked: tile("Unacked"),
    in: tile("In"),
    out: tile("Out"),
    memory: tile("Memory"),
    consumers: tile("Consumers"),
  };
  const plots = [MESSAGE_RATES, MESSAGES_WAITING];
  const charts = new Charts(plots, THING_RANGES, view.signal, () => void refresh());
  const facts = h("dl", { class: "facts" });
  const rates = new RatesTable("Messages of this queue", "messages");
  const consumers = consumersTable("queue");
  const browser = new Browser(view, vhost, name);
  const topology = new Topology(view.api, vhost, view.signal);
  const graph = new GraphView(
    `Where ${name} gets messages from, and who takes them`,
    (id, open) => {
      topology.open(id, open);
      return refreshTopology();
    },
  );

  const publish = async () => {
    if (!await publishMessage(view, vhost, "", name)) return;
    await refresh();
    await browser.refresh();
  };
  const bind = async () => {
    if (!await bindQueue(view, vhost, name)) return;
    await Promise.all([bindings.refresh(), refreshTopology()]);
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
    const deleted = await confirmed(
      `Delete ${name}?`,
      text,
      "Delete",
      (values) =>
        view.api.ask("DELETE", `${at}?if-empty=${values["empty"]}&if-unused=${values["unused"]}`),
      "The queue is gone.",
      [
        { name: "empty", label: "Only if no messages are ready", kind: "check" },
        { name: "unused", label: "Only if it has no consumers", kind: "check" },
      ],
    );
    if (deleted) location.hash = "#/queues";
  };
  const bindings = bindingsList(view, {
    title: "Bindings",
    path: `${at}/bindings`,
    ends: "source",
    onGone: () => void refreshTopology(),
  });
  view.main.append(
    head(name, [h("a", { href: "#/queues" }, "Queues"), ` in ${vhost}`], [
      button("Publish", () => void publish(), "primary"),
      button("Bind", () => void bind()),
      button("Purge", () => void purge(), "danger"),
      button("Delete", () => void remove(), "danger"),
    ]),
    h("div", { class: "tiles six" }, ...Object.values(tiles).map(({ element }) => element)),
    charts.element,
    card("Message flow", graph.element),
    listCard("Consumers", [], consumers.element),
    browser.element,
    bindings.element,
    h(
      "div",
      { class: "columns wide" },
      card("Facts", facts),
      listCard("Message rates", [], rates.element),
    ),
  );

  const refresh = repeat(view, EVERY_MS, async () => {
    const told = await view.api.get(`${at}?${charts.query}`, view.signal);
    charts.set(told);
    const [published = 0, delivered = 0] = charts.newest(MESSAGE_RATES);
    tellCount(tiles.ready, told.messages_ready);
    tellCount(tiles.unacked, told.messages_unacknowledged);
    setText(tiles.in.value, rate(published));
    setText(tiles.out.value, rate(delivered));
    setText(tiles.memory.value, bytes(told.memory));
    tellCount(tiles.consumers, told.consumers);
    consumers.set(told.consumer_details);
    rates.set(told.message_stats);
    tellFacts(facts, factsOf(told));
  });
  const refreshTopology = repeat(view, TOPOLOGY_MS, async () => {
    graph.set(await topology.around(name));
  });
}

function factsOf(queue: Data): [string, string][] {
  const given: [string, string][] = Object.entries(queue.arguments ?? {})
    .map(([name, value]) => [name, inline(value)]);
  const effective: [string, string][] = Object.entries(queue.effective_policy_definition ?? {})
    .map(([name, value]) => [`${name}, by policy`, inline(value)]);
  const sizes: [string, string][] = SIZES.filter(([name]) => queue[name] !== undefined)
    .map(([name, title]) => [title, bytes(queue[name])]);
  const capacity: [string, string][] = typeof queue.consumer_capacity !== "number"
    ? []
    : [["Consumer capacity", `${Math.round(queue.consumer_capacity * 100)} %`]];
  const retrying: [string, string][] = queue.messages_retrying > 0
    ? [["Waiting for another try", `${queue.messages_retrying}`]]
    : [];
  return [
    ["Type", queue.type],
    ["Features", featuresOf(queue).join(", ")],
    ["Policy", queue.policy ?? "none"],
    ["Operator policy", queue.operator_policy ?? "none"],
    ["Owner", queue.owner_pid_details?.name ?? "none"],
    ...capacity,
    ...sizes,
    ...retrying,
    ...given,
    ...effective,
  ];
}

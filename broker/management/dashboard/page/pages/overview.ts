import { type Data, path } from "../api.ts";
import { MessageCharts } from "../charts.ts";
import { h, setText } from "../dom.ts";
import { bytes, count, duration, rate } from "../format.ts";
import { tellFacts, tile } from "../parts.ts";
import { RANGES } from "../series.ts";
import { repeat, type View } from "../view.ts";

const EVERY_MS = 1000;
const NODE_MS = 5000;

/** The broker at a glance. */
export function showOverview(view: View): void {
  const subtitle = h("p", { class: "muted" });
  const charts = new MessageCharts(RANGES, view.signal, () => void refresh());
  const tiles = {
    ready: tile("Ready", "#/queues"),
    unacked: tile("Unacked", "#/queues"),
    publish: tile("Published"),
    deliver: tile("Delivered"),
    queues: tile("Queues", "#/queues"),
    consumers: tile("Consumers", "#/channels"),
    connections: tile("Connections", "#/connections"),
    channels: tile("Channels", "#/channels"),
  };
  const node = h("dl", { class: "facts" });
  const listeners = h("ul", { class: "plain" });
  const churn = h("dl", { class: "facts" });
  const alarms = h("p", { class: "trouble", role: "alert", hidden: true });
  view.main.append(
    h("div", { class: "head" }, h("div", {}, h("h1", {}, "Overview"), subtitle)),
    alarms,
    h("div", { class: "tiles" }, ...Object.values(tiles).map(({ element }) => element)),
    charts.element,
    h(
      "div",
      { class: "columns" },
      h("section", { class: "card" }, h("h2", {}, "Node"), node),
      h("section", { class: "card" }, h("h2", {}, "Comings and goings"), churn),
      h("section", { class: "card" }, h("h2", {}, "Listening on"), listeners),
    ),
  );

  const refresh = repeat(view, EVERY_MS, async () => {
    const told = await view.api.get(`/overview?${charts.query}`, view.signal);
    charts.set(told.message_stats, told.queue_totals);
    setText(subtitle, `${told.cluster_name} · Warren ${told.product_version}`);
    const { queue_totals: lengths, object_totals: objects } = told;
    const [published = 0, delivered = 0] = charts.newest;
    setText(tiles.ready.value, count(lengths.messages_ready));
    setText(tiles.unacked.value, count(lengths.messages_unacknowledged));
    setText(tiles.publish.value, rate(published));
    setText(tiles.deliver.value, rate(delivered));
    setText(tiles.queues.value, count(objects.queues));
    setText(tiles.consumers.value, count(objects.consumers));
    setText(tiles.connections.value, count(objects.connections));
    setText(tiles.channels.value, count(objects.channels));
    tellListeners(listeners, told.listeners);
    tellFacts(churn, churnFacts(told.churn_rates));
  });

  let name: string | undefined;
  repeat(view, NODE_MS, async () => {
    name ??= (await view.api.get("/overview?columns=node", view.signal)).node as string;
    const told = await view.api.get(path`/nodes/${name}`, view.signal).catch((error) => {
      // not everybody may see it
      if (error.status === 401) return undefined;
      throw error;
    });
    if (told === undefined) return;
    tellFacts(node, nodeFacts(told));
    const wrong = [
      told.mem_alarm ? "Memory is short: publishers are blocked." : "",
      told.disk_free_alarm ? "The disk is nearly full: publishers are blocked." : "",
    ].filter(Boolean);
    alarms.hidden = wrong.length === 0;
    setText(alarms, wrong.join(" "));
  });
}

function nodeFacts(node: Data): [string, string][] {
  const limit = node.mem_limit === undefined ? "" : ` of ${bytes(node.mem_limit)}`;
  return [
    ["Name", node.name],
    ["Up for", duration(node.uptime)],
    ["Memory", `${bytes(node.mem_used)}${limit}`],
    ["Disk free", bytes(node.disk_free)],
    ["Kept in", node.db_dir === "" ? "memory only" : node.db_dir],
    ["Process", node.os_pid],
  ];
}

function churnFacts(churn: Data): [string, string][] {
  const both = (one: string, other: string) =>
    `${count(churn[one] ?? 0)} opened, ${count(churn[other] ?? 0)} closed`;
  return [
    ["Connections", both("connection_created", "connection_closed")],
    ["Channels", both("channel_created", "channel_closed")],
    [
      "Queues",
      `${count(churn.queue_created ?? 0)} made, ${count(churn.queue_deleted ?? 0)} deleted`,
    ],
    ["Declared", count(churn.queue_declared ?? 0)],
  ];
}

function tellListeners(list: HTMLElement, listeners: readonly Data[]): void {
  const texts = listeners.map(({ protocol, ip_address, port }) =>
    `${protocol} on ${ip_address}:${port}`
  );
  if (list.dataset["told"] === texts.join()) return;
  list.dataset["told"] = texts.join();
  list.replaceChildren(...texts.map((text) => h("li", {}, text)));
}

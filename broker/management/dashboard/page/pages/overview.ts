import { type Data, path } from "../api.ts";
import { Charts, MESSAGE_RATES, MESSAGES_WAITING, type Plot } from "../charts.ts";
import { showForm } from "../dialog.ts";
import { h, setText } from "../dom.ts";
import { bytes, count, duration, rate } from "../format.ts";
import { Meter } from "../meter.ts";
import { notify } from "../notice.ts";
import { button, head, listCard, tellCount, tellFacts, tile } from "../parts.ts";
import { RatesTable } from "../rates_table.ts";
import { RANGES } from "../series.ts";
import { Table } from "../table.ts";
import { may, repeat, type View } from "../view.ts";

const EVERY_MS = 1000;
const NODE_MS = 5000;

/** How often clients come and go. */
const CHURN: Plot = {
  title: "Comings and goings",
  lines: [
    ["connection_created", "Connections opened", "blue"],
    ["connection_closed", "Closed", "violet"],
    ["channel_created", "Channels opened", "green"],
    ["channel_closed", "Closed", "amber"],
  ],
  format: rate,
  kind: "rates",
  span: "msg_rates",
  of: ({ churn_rates }) => churn_rates,
};

/** The broker at a glance. */
export function showOverview(view: View): void {
  const plots = [MESSAGE_RATES, MESSAGES_WAITING, CHURN];
  const charts = new Charts(plots, RANGES, view.signal, () => void refresh());
  const tiles = {
    ready: tile("Ready", "#/queues"),
    unacked: tile("Unacked", "#/queues"),
    publish: tile("Published"),
    deliver: tile("Delivered"),
    queues: tile("Queues", "#/queues"),
    exchanges: tile("Exchanges", "#/exchanges"),
    consumers: tile("Consumers", "#/channels"),
    connections: tile("Connections", "#/connections"),
    channels: tile("Channels", "#/channels"),
  };
  const subtitle = h("p", { class: "muted" });
  const rates = new RatesTable("Messages of the whole broker", "messages");
  const churn = new RatesTable("What comes and goes", "churn");
  const node = nodeCard();
  const ports = portsTable();
  const contexts = contextsTable();
  const alarms = h("p", { class: "trouble", role: "alert", hidden: true });
  let clusterName = "";
  const rename = async () => {
    if (await setClusterName(view, clusterName)) await refresh();
  };
  const title = head("Overview", [], [
    may(view, "administrator") && button("Rename", () => void rename(), "", {
      "aria-label": "Rename this broker",
    }),
  ]);
  title.firstElementChild!.append(subtitle);
  view.main.append(
    title,
    alarms,
    h("div", { class: "tiles nine" }, ...Object.values(tiles).map(({ element }) => element)),
    charts.element,
    h(
      "div",
      { class: "columns two" },
      listCard("Messages", [], rates.element),
      h("div", { class: "stack" }, node.element, listCard("Ports", [], ports.element)),
      listCard("Connections, channels, queues", [], churn.element),
      h(
        "div",
        { class: "stack" },
        charts.elementOf(CHURN),
        listCard("Web contexts", [], contexts.element),
      ),
    ),
  );

  const refresh = repeat(view, EVERY_MS, async () => {
    const told = await view.api.get(`/overview?${charts.query}`, view.signal);
    charts.set(told);
    clusterName = told.cluster_name;
    setText(
      subtitle,
      `${clusterName} · Warren ${told.product_version}, as RabbitMQ ${told.rabbitmq_version}`,
    );
    const { queue_totals: lengths, object_totals: objects } = told;
    const [published = 0, delivered = 0] = charts.newest(MESSAGE_RATES);
    tellCount(tiles.ready, lengths.messages_ready);
    tellCount(tiles.unacked, lengths.messages_unacknowledged);
    setText(tiles.publish.value, rate(published));
    setText(tiles.deliver.value, rate(delivered));
    for (const name of ["queues", "exchanges", "consumers", "connections", "channels"] as const) {
      tellCount(tiles[name], objects[name]);
    }
    rates.set(told.message_stats);
    churn.set(told.churn_rates);
    // not everybody may see them
    ports.set(told.listeners ?? []);
    contexts.set(told.contexts ?? []);
  });

  let name: string | undefined;
  repeat(view, NODE_MS, async () => {
    // not everybody may see it
    if (!may(view, "monitoring")) return void (node.element.hidden = true);
    name ??= (await view.api.get("/overview?columns=node", view.signal)).node as string;
    const told = await view.api.get(path`/nodes/${name}`, view.signal);
    node.set(told);
    const wrong = [
      told.mem_alarm ? "Memory is short: publishers are blocked." : "",
      told.disk_free_alarm ? "The disk is nearly full: publishers are blocked." : "",
    ].filter(Boolean);
    alarms.hidden = wrong.length === 0;
    setText(alarms, wrong.join(" "));
  });
}

/** What the node has, and how much of it is used. */
function nodeCard(): { readonly element: HTMLElement; readonly set: (told: Data) => void } {
  const memory = new Meter("Memory");
  const disk = new Meter("Disk");
  const facts = h("dl", { class: "facts" });
  const element = h(
    "section",
    { class: "card" },
    h("h2", {}, "Node"),
    h("div", { class: "meters" }, memory.element, disk.element),
    facts,
  );
  const set = (told: Data) => {
    const { mem_used: used, mem_limit: limit, disk_free: free, disk_free_limit: least } = told;
    memory.set(
      limit === undefined ? bytes(used) : `${bytes(used)}, publishers wait at ${bytes(limit)}`,
      limit === undefined ? undefined : used / limit,
      told.mem_alarm,
    );
    disk.set(
      free === undefined ? "not used" : `${bytes(free)} free, publishers wait at ${bytes(least)}`,
      undefined,
      told.disk_free_alarm,
    );
    tellFacts(facts, [
      ["Name", told.name],
      ["Up for", duration(told.uptime)],
      ["Sockets", count(told.sockets_used)],
      ["Processors", count(told.processors)],
      ["Process", told.os_pid],
      ["Kept in", told.db_dir === "" ? "memory only" : told.db_dir],
    ]);
  };
  return { element, set };
}

function portsTable(): Table<Data> {
  return new Table<Data>(
    "Ports",
    [
      { title: "Protocol", text: ({ protocol }) => protocol },
      { title: "Bound to", text: ({ ip_address }) => ip_address },
      { title: "Port", numeric: true, text: ({ port }) => `${port}` },
    ],
    ({ protocol, ip_address, port }) => `${protocol} ${ip_address} ${port}`,
    "Nothing is served.",
  );
}

function contextsTable(): Table<Data> {
  return new Table<Data>(
    "Web contexts",
    [
      { title: "Context", text: ({ description }) => description },
      { title: "Bound to", text: ({ ip }) => ip },
      { title: "Port", numeric: true, text: ({ port }) => `${port}` },
      {
        title: "TLS",
        minor: true,
        text: ({ ssl }) => `${ssl}` === "true" ? "yes" : "no",
      },
      { title: "Path", text: ({ path }) => path },
    ],
    ({ ip, port, path }) => `${ip} ${port} ${path}`,
    "Nothing is served.",
  );
}

function setClusterName({ api }: View, before: string): Promise<boolean> {
  return showForm({
    title: "Rename this broker",
    action: "Save",
    fields: [{ name: "name", label: "Name", value: before, required: true }],
    submit: async ({ name }) => {
      await api.ask("PUT", "/cluster-name", { body: { name } });
      notify("The name is set.");
    },
  });
}

import { type Data, path } from "../api.ts";
import { Charts, MESSAGE_RATES, THING_RANGES } from "../charts.ts";
import { consumersTable } from "../consumers_table.ts";
import { h } from "../dom.ts";
import { count } from "../format.ts";
import { button, card, confirmed, head, listCard, tellCount, tellFacts, tile } from "../parts.ts";
import { RatesTable } from "../rates_table.ts";
import { repeat, type View } from "../view.ts";
import { modeOf } from "./channels.ts";
import { reasonHeader } from "./connections.ts";

const EVERY_MS = 1000;

/** One channel. */
export function showChannel(view: View): void {
  const [name = ""] = view.names;
  const connection = name.replace(/ \(\d+\)$/, "");
  const at = path`/channels/${name}`;
  const tiles = {
    messages_unacknowledged: tile("Unacked"),
    messages_unconfirmed: tile("Unconfirmed"),
    messages_uncommitted: tile("Uncommitted"),
    consumer_count: tile("Consumers"),
  };
  const charts = new Charts([MESSAGE_RATES], THING_RANGES, view.signal, () => void refresh());
  const rates = new RatesTable("Messages of this channel", "messages");
  const consumers = consumersTable("channel");
  const facts = h("dl", { class: "facts" });
  const close = async () => {
    if (await closeChannel(view, name)) location.hash = path`#/connections/${connection}`;
  };
  view.main.append(
    head(name, [
      h("a", { href: "#/channels" }, "Channels"),
      " of ",
      h("a", { href: path`#/connections/${connection}` }, connection),
    ], [button("Close", () => void close(), "danger")]),
    h("div", { class: "tiles four" }, ...Object.values(tiles).map(({ element }) => element)),
    charts.element,
    listCard("Consumers", [], consumers.element),
    h(
      "div",
      { class: "columns wide" },
      listCard("Messages", [], rates.element),
      card("Facts", facts),
    ),
  );
  const refresh = repeat(view, EVERY_MS, async () => {
    const told = await view.api.get(`${at}?${charts.query}`, view.signal);
    charts.set(told);
    for (const [name, one] of Object.entries(tiles)) tellCount(one, told[name]);
    rates.set(told.message_stats);
    consumers.set(told.consumer_details);
    tellFacts(facts, factsOf(told));
  });
}

/** Asks whether a channel is to be closed, and what its client is told. True when it was. */
function closeChannel({ api }: View, name: string): Promise<boolean> {
  return confirmed(
    "Close this channel?",
    `The client of ${name} will be told so; its other channels go on.`,
    "Close",
    ({ reason = "" }) =>
      api.ask("DELETE", path`/channels/${name}`, { headers: reasonHeader(reason) }),
    "The channel was closed.",
    [{ name: "reason", label: "Reason", hint: "The client sees it, and it is in the log" }],
  );
}

function factsOf(channel: Data): [string, string][] {
  const limit = (value: number) => value === 0 ? "none" : count(value);
  return [
    ["User", channel.user],
    ["Virtual host", channel.vhost],
    ["State", channel.state],
    ["Mode", modeOf(channel) || "neither confirms nor transactions"],
    ["Prefetch of each consumer", limit(channel.prefetch_count)],
    ["Prefetch of the channel", limit(channel.global_prefetch_count)],
    ["Uncommitted acks", count(channel.acks_uncommitted)],
  ];
}

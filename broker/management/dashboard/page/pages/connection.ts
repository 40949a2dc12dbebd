import { type Data, path } from "../api.ts";
import { consumersTable } from "../consumers_table.ts";
import { h } from "../dom.ts";
import { bytes, duration, inline, moment } from "../format.ts";
import { button, card, head, listCard, tellFacts } from "../parts.ts";
import { Table } from "../table.ts";
import { repeat, type View } from "../view.ts";
import { CHANNEL_COLUMNS, closeConnection } from "./connections.ts";

const EVERY_MS = 3000;

/** One connection, with its channels. */
export function showConnection(view: View): void {
  const [name = ""] = view.names;
  const at = path`/connections/${name}`;
  const facts = h("dl", { class: "facts" });
  const client = h("dl", { class: "facts" });
  const channels = new Table<Data>("Channels", CHANNEL_COLUMNS, (one) => one.name, "No channels.");
  const consumers = consumersTable();
  const close = async () => {
    if (await closeConnection(view, { name })) location.hash = "#/connections";
  };
  view.main.append(
    head(name, [h("a", { href: "#/connections" }, "Connections")], [
      button("Close", () => void close(), "danger"),
    ]),
    h("div", { class: "columns" }, card("Facts", facts), card("The client says", client)),
    listCard("Channels", [], channels.element),
    listCard("Consumers", [], consumers.element),
  );
  repeat(view, EVERY_MS, async () => {
    const [told, open]: Data[] = await Promise.all([
      view.api.get(at, view.signal),
      view.api.get(`${at}/channels`, view.signal),
    ]);
    tellFacts(facts, factsOf(told));
    const said = Object.entries(told.client_properties ?? {});
    tellFacts(client, said.map(([key, value]) => [key.replaceAll("_", " "), inline(value)]));
    channels.set(open);
    const consuming = open.filter((one: Data) => one.consumer_count > 0);
    const details: Data[] = await Promise.all(
      consuming.map((one: Data) => view.api.get(path`/channels/${one.name}`, view.signal)),
    );
    consumers.set(details.flatMap((one) => one.consumer_details));
  });
}

function factsOf(connection: Data): [string, string][] {
  const both = (name: string) =>
    `${bytes(connection[name] ?? 0)}, ${bytes(connection[`${name}_details`]?.rate ?? 0)}/s`;
  return [
    ["User", connection.user],
    ["Virtual host", connection.vhost],
    ["State", connection.state],
    ["Protocol", connection.protocol],
    ["From", connection.peer_host === null ? "this process" : peer(connection)],
    ["Since", `${moment(connection.connected_at)}`],
    ["For", duration(Date.now() - connection.connected_at)],
    ["Heartbeat", connection.timeout === 0 ? "none" : `${connection.timeout} s`],
    ["Frames up to", bytes(connection.frame_max)],
    ["From client", both("recv_oct")],
    ["To client", both("send_oct")],
  ];
}

function peer({ peer_host, peer_port }: Data): string {
  return `${peer_host}:${peer_port}`;
}

import { type Data, path } from "../api.ts";
import { Charts, DATA_RATES, THING_RANGES } from "../charts.ts";
import { consumersTable } from "../consumers_table.ts";
import { h, setText } from "../dom.ts";
import { bytes, count, duration, moment, words } from "../format.ts";
import { button, card, head, listCard, tellFacts, tile } from "../parts.ts";
import { Table } from "../table.ts";
import { repeat, type View } from "../view.ts";
import { CHANNEL_COLUMNS } from "./channels.ts";
import { closeConnection } from "./connections.ts";

const EVERY_MS = 2000;

/** One connection, with its channels. */
export function showConnection(view: View): void {
  const [name = ""] = view.names;
  const at = path`/connections/${name}`;
  const tiles = {
    recv: tile("From client"),
    send: tile("To client"),
    state: tile("State"),
    channels: tile("Channels"),
  };
  const charts = new Charts([DATA_RATES], THING_RANGES, view.signal, () => void refresh());
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
    h("div", { class: "tiles four" }, ...Object.values(tiles).map(({ element }) => element)),
    charts.element,
    listCard("Channels", [], channels.element),
    listCard("Consumers", [], consumers.element),
    h("div", { class: "columns wide" }, card("Facts", facts), card("The client says", client)),
  );
  const refresh = repeat(view, EVERY_MS, async () => {
    const [told, open]: Data[] = await Promise.all([
      view.api.get(`${at}?${charts.query}`, view.signal),
      view.api.get(`${at}/channels`, view.signal),
    ]);
    charts.set(told);
    const [received = 0, sent = 0] = charts.newest(DATA_RATES);
    setText(tiles.recv.value, `${bytes(received)}/s`);
    setText(tiles.send.value, `${bytes(sent)}/s`);
    setText(tiles.state.value, told.state);
    setText(tiles.channels.value, count(told.channels));
    tellFacts(facts, factsOf(told));
    const said = Object.entries(told.client_properties ?? {});
    tellFacts(client, said.map(([key, value]) => [key.replaceAll("_", " "), words(value)]));
    channels.set(open);
    const consuming = open.filter((one: Data) => one.consumer_count > 0);
    const details: Data[] = await Promise.all(
      consuming.map((one: Data) => view.api.get(path`/channels/${one.name}`, view.signal)),
    );
    consumers.set(details.flatMap((one) => one.consumer_details));
  });
}

function factsOf(connection: Data): [string, string][] {
  const { ssl, type, channel_max: most } = connection;
  return [
    ["Name", connection.user_provided_name ?? "not given"],
    ["User", connection.user],
    ["Virtual host", connection.vhost],
    ["Protocol", connection.protocol],
    ["From", type === "network" ? addressOf(connection, "peer_") : "this process"],
    ...type === "network" ? [["To", addressOf(connection, "")] as [string, string]] : [],
    ["Logged in by", connection.auth_mechanism],
    ["TLS", ssl ? `${connection.ssl_protocol}, ${connection.ssl_cipher}` : "no"],
    ...certificateFacts(connection),
    ["Since", moment(connection.connected_at)],
    ["For", duration(Date.now() - connection.connected_at)],
    ["Heartbeat", connection.timeout === 0 ? "none" : `${connection.timeout} s`],
    ["Frames up to", bytes(connection.frame_max)],
    ["Channels up to", most === 0 ? "no limit" : count(most)],
    ["From client, in all", bytes(connection.recv_oct ?? 0)],
    ["To client, in all", bytes(connection.send_oct ?? 0)],
  ];
}

/** What a client has shown of itself in TLS. */
function certificateFacts(connection: Data): [string, string][] {
  const named = [
    ["peer_cert_subject", "Certificate of"],
    ["peer_cert_issuer", "Signed by"],
    ["peer_cert_validity", "Valid"],
  ] as const;
  return named.filter(([name]) => Boolean(connection[name]))
    .map(([name, title]) => [title, `${connection[name]}`]);
}

function addressOf(connection: Data, which: "" | "peer_"): string {
  return `${connection[`${which}host`]}:${connection[`${which}port`]}`;
}

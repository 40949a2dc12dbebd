import { type Data, path } from "../api.ts";
import { bytes, count, duration, rate } from "../format.ts";
import { showList } from "../list.ts";
import { button, confirmed, head } from "../parts.ts";
import type { Column } from "../table.ts";
import type { View } from "../view.ts";

/** All connections. */
export function showConnections(view: View): void {
  const close = async (connection: Data) => {
    if (await closeConnection(view, connection)) await list.refresh();
  };
  const speed = (title: string, name: string) => ({
    title,
    sort: `${name}_details.rate`,
    numeric: true,
    minor: true,
    text: (one: Data) => `${bytes(one[`${name}_details`]?.rate ?? 0)}/s`,
  });
  const list = showList(view, {
    title: "Connections",
    path: view.vhost === undefined ? "/connections" : path`/vhosts/${view.vhost}/connections`,
    key: ({ name }) => name,
    empty: "Nobody is connected.",
    columns: [
      {
        title: "Name",
        sort: "name",
        text: (one) => one.user_provided_name ?? one.name,
        href: ({ name }) => path`#/connections/${name}`,
      },
      { title: "User", sort: "user", text: ({ user }) => user },
      { title: "Virtual host", sort: "vhost", text: ({ vhost }) => vhost, minor: true },
      { title: "State", sort: "state", text: ({ state }) => state, minor: true },
      {
        title: "Channels",
        sort: "channels",
        numeric: true,
        text: ({ channels }) => count(channels),
      },
      speed("From client", "recv_oct"),
      speed("To client", "send_oct"),
      {
        title: "For",
        sort: "connected_at",
        numeric: true,
        minor: true,
        text: ({ connected_at }) => duration(Date.now() - connected_at),
      },
      {
        title: "Actions",
        numeric: true,
        text: () => "",
        draw: (one, now) =>
          button("Close", () => void close(now()), "small danger", {
            "aria-label": `Close ${one.name}`,
          }),
      },
    ],
  });
  view.main.append(head("Connections"), list.element);
}

/** Asks whether a connection is to be closed. True when it was. */
export function closeConnection({ api }: View, { name }: Data): Promise<boolean> {
  return confirmed(
    "Close this connection?",
    `${name} will be told so, and may come back by itself.`,
    "Close",
    () => api.ask("DELETE", path`/connections/${name}`),
    "The connection was closed.",
  );
}

/** All channels. */
export function showChannels(view: View): void {
  const list = showList(view, {
    title: "Channels",
    path: view.vhost === undefined ? "/channels" : path`/vhosts/${view.vhost}/channels`,
    key: ({ name }) => name,
    empty: "There are no channels.",
    columns: CHANNEL_COLUMNS,
  });
  view.main.append(head("Channels"), list.element);
}

/** What tables of channels tell. */
export const CHANNEL_COLUMNS: readonly Column<Data>[] = [
  {
    title: "Channel",
    sort: "name",
    text: ({ name }) => name,
    href: ({ connection_details }) => path`#/connections/${connection_details.name}`,
  },
  { title: "User", sort: "user", text: ({ user }) => user, minor: true },
  {
    title: "Mode",
    minor: true,
    text: ({ confirm, transactional }) => confirm ? "confirm" : transactional ? "transactions" : "",
  },
  number("Consumers", "consumer_count"),
  number("Prefetch", "prefetch_count", true),
  number("Unacked", "messages_unacknowledged"),
  number("Unconfirmed", "messages_unconfirmed", true),
  speed("Published", "publish"),
  speed("Delivered", "deliver_get"),
];

function number(title: string, name: string, minor = false): Column<Data> {
  return { title, sort: name, numeric: true, minor, text: (channel) => count(channel[name]) };
}

function speed(title: string, name: string): Column<Data> {
  return {
    title,
    sort: `message_stats.${name}_details.rate`,
    numeric: true,
    minor: true,
    text: (channel) => rate(channel.message_stats?.[`${name}_details`]?.rate ?? 0),
  };
}

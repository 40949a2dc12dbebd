import { type Data, path } from "../api.ts";
import { bytes, count, duration } from "../format.ts";
import { showList } from "../list.ts";
import { button, confirmed, head } from "../parts.ts";
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

/** Asks whether a connection is to be closed, and what its client is told. True when it was. */
export function closeConnection({ api }: View, { name }: Data): Promise<boolean> {
  return confirmed(
    "Close this connection?",
    `${name} will be told so, and may come back by itself.`,
    "Close",
    ({ reason = "" }) =>
      api.ask("DELETE", path`/connections/${name}`, { headers: reasonHeader(reason) }),
    "The connection was closed.",
    [{ name: "reason", label: "Reason", hint: "The client sees it, and it is in the log" }],
  );
}

/** The header that says why; what is not Latin-1 cannot be sent in one. */
export function reasonHeader(reason: string): Record<string, string> {
  return reason === "" ? {} : { "x-reason": reason.replace(/[^\x20-\xff]/g, "?") };
}

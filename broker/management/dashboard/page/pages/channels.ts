import { type Data, path } from "../api.ts";
import { count, rate } from "../format.ts";
import { showList } from "../list.ts";
import { head } from "../parts.ts";
import type { Column } from "../table.ts";
import type { View } from "../view.ts";

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
    href: ({ name }) => path`#/channels/${name}`,
  },
  { title: "User", sort: "user", text: ({ user }) => user, minor: true },
  { title: "Virtual host", sort: "vhost", text: ({ vhost }) => vhost, minor: true },
  { title: "Mode", minor: true, text: modeOf },
  number("Consumers", "consumer_count"),
  number("Prefetch", "prefetch_count", true),
  number("Unacked", "messages_unacknowledged"),
  number("Unconfirmed", "messages_unconfirmed", true),
  speed("Published", "publish"),
  speed("Delivered", "deliver_get"),
];

/** How a channel publishes. */
export function modeOf({ confirm, transactional }: Data): string {
  return confirm ? "confirms" : transactional ? "transactions" : "";
}

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

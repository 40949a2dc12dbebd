import { type Data, path } from "./api.ts";
import { count } from "./format.ts";
import { Table } from "./table.ts";

/** A table of consumers. */
export function consumersTable(): Table<Data> {
  return new Table<Data>(
    "Consumers",
    [
      { title: "Consumer", text: ({ consumer_tag }) => consumer_tag },
      {
        title: "Queue",
        minor: true,
        text: ({ queue }) => queue.name,
        href: ({ queue }) => path`#/queues/${queue.vhost}/${queue.name}`,
      },
      {
        title: "Channel",
        text: ({ channel_details }) => channel_details.name,
        href: ({ channel_details }) => path`#/connections/${channel_details.connection_name}`,
      },
      {
        title: "Acknowledges",
        minor: true,
        text: ({ ack_required }) => ack_required ? "yes" : "no",
      },
      { title: "State", minor: true, text: ({ activity_status }) => `${activity_status ?? ""}` },
      {
        title: "Unacked",
        numeric: true,
        text: ({ messages_unacknowledged }) => count(messages_unacknowledged),
      },
      { title: "Prefetch", numeric: true, text: ({ prefetch_count }) => count(prefetch_count) },
    ],
    ({ channel_details, consumer_tag }) => `${channel_details.name}\0${consumer_tag}`,
    "No consumers.",
  );
}

import { type Data, path } from "./api.ts";
import { count, words } from "./format.ts";
import { type Column, Table } from "./table.ts";

/** What RabbitMQ's words for what a consumer is doing mean. */
const STATES: Readonly<Record<string, string>> = {
  up: "active",
  single_active: "active, alone",
  waiting: "waiting for its turn",
  suspected_down: "not heard of",
};

/**
 * A table of consumers.
 *
 * @param of What all of them share, which is not said again.
 */
export function consumersTable(of?: "queue" | "channel"): Table<Data> {
  const queue: Column<Data> = {
    title: "Queue",
    text: ({ queue }) => queue.name,
    href: ({ queue }) => path`#/queues/${queue.vhost}/${queue.name}`,
  };
  const channel: Column<Data> = {
    title: "Channel",
    text: ({ channel_details }) => channel_details.name,
    href: ({ channel_details }) => path`#/channels/${channel_details.name}`,
  };
  return new Table<Data>(
    "Consumers",
    [
      { title: "Consumer", text: ({ consumer_tag }) => consumer_tag },
      ...of === "queue" ? [] : [queue],
      ...of === "channel" ? [] : [channel],
      {
        title: "Acks",
        minor: true,
        text: ({ ack_required }) => ack_required ? "needed" : "none",
      },
      {
        title: "State",
        minor: true,
        text: ({ activity_status: status, exclusive }) =>
          `${STATES[status] ?? status}${exclusive ? ", exclusive" : ""}`,
      },
      {
        title: "Arguments",
        minor: true,
        text: ({ arguments: given }) => words(given ?? {}),
      },
      {
        title: "Unacked",
        numeric: true,
        text: ({ messages_unacknowledged }) => count(messages_unacknowledged),
      },
      {
        title: "Prefetch",
        numeric: true,
        minor: true,
        text: ({ prefetch_count }) => prefetch_count === 0 ? "no limit" : count(prefetch_count),
      },
    ],
    ({ channel_details, consumer_tag }) => `${channel_details.name}\0${consumer_tag}`,
    "No consumers.",
  );
}

import { type Data, path } from "../api.ts";
import { h } from "../dom.ts";
import { bytes, count, rate } from "../format.ts";
import { declareQueue } from "../forms/queue.ts";
import { showList } from "../list.ts";
import { sparkline } from "../sparkline.ts";
import type { View } from "../view.ts";

/** Of each queue the last two minutes are drawn. */
const QUERY = { lengths_age: "120", lengths_incr: "5" };

/** Where a queue is shown. */
export function queueHref(vhost: string, name: string): string {
  return path`#/queues/${vhost}/${name}`;
}

/** All queues. */
export function showQueues(view: View): void {
  const add = async () => {
    if (await declareQueue(view)) await list.refresh();
  };
  const list = showList(view, {
    title: "Queues",
    path: view.vhost === undefined ? "/queues" : path`/queues/${view.vhost}`,
    query: QUERY,
    key: ({ vhost, name }) => `${vhost}\0${name}`,
    empty: "There are no queues here yet. Declare one, or connect an application.",
    actions: [h("button", { type: "button", class: "primary", onclick: add }, "New queue")],
    columns: [
      {
        title: "Name",
        sort: "name",
        text: ({ name }) => name,
        href: ({ vhost, name }) => queueHref(vhost, name),
      },
      ...view.vhost === undefined
        ? [{ title: "Virtual host", sort: "vhost", text: ({ vhost }: Data) => vhost, minor: true }]
        : [],
      {
        title: "Features",
        text: (queue) => featuresOf(queue).join(", "),
        draw: drawFeatures,
        minor: true,
      },
      {
        title: "Last 2 min",
        minor: true,
        text: (queue) => samplesOf(queue).join(),
        draw: (queue) => {
          const samples = samplesOf(queue);
          return sparkline(samples, `From ${samples[0] ?? 0} to ${samples.at(-1) ?? 0} messages`);
        },
      },
      number("Ready", "messages_ready"),
      number("Unacked", "messages_unacknowledged"),
      {
        title: "Memory",
        sort: "memory",
        numeric: true,
        minor: true,
        text: (queue) => bytes(queue.memory),
      },
      number("Consumers", "consumers", true),
      speed("In", "publish", true),
      speed("Out", "deliver_get", true),
      speed("Acked", "ack", true),
    ],
  });
  view.main.append(h("div", { class: "head" }, h("h1", {}, "Queues")), list.element);
}

function number(title: string, name: string, minor = false) {
  return {
    title,
    sort: name,
    numeric: true,
    minor,
    text: (queue: Data) => count(queue[name]),
  };
}

function speed(title: string, name: string, minor = false) {
  return {
    title,
    sort: `message_stats.${name}_details.rate`,
    numeric: true,
    minor,
    text: (queue: Data) => rate(queue.message_stats?.[`${name}_details`]?.rate ?? 0),
  };
}

function samplesOf(queue: Data): number[] {
  const samples: Data[] = queue.messages_details?.samples ?? [];
  return samples.map(({ sample }) => sample).reverse();
}

/** What is special about a queue, in short. */
export function featuresOf(queue: Data): string[] {
  const { durable, auto_delete, exclusive, type, policy } = queue;
  const names = Object.keys(queue.arguments ?? {}).filter((name) => name !== "x-queue-type");
  return [
    type === "classic" ? "" : type,
    durable ? "durable" : "transient",
    auto_delete ? "auto-delete" : "",
    exclusive ? "exclusive" : "",
    policy ? `policy ${policy}` : "",
    ...names.map((name) => name.replace(/^x-/, "")),
  ].filter(Boolean);
}

function drawFeatures(queue: Data): HTMLElement {
  const badges = featuresOf(queue).filter((word) => word !== "durable");
  return h("span", { class: "badges" }, ...badges.map((text) => h("span", {}, text)));
}

import { type Data, path } from "./api.ts";
import { showForm } from "./dialog.ts";
import { h } from "./dom.ts";
import { count, exchangeName } from "./format.ts";
import { messageElement } from "./message.ts";
import { button, listCard } from "./parts.ts";
import type { View } from "./view.ts";

const BODY_MAX = 16_384;
const MOST = 500;

/** What becomes of messages that were got, by the words of RabbitMQ's page. */
const MODES = {
  "Nack, requeue": "ack_requeue_true",
  "Ack, remove": "ack_requeue_false",
  "Reject, requeue": "reject_requeue_true",
  "Reject, remove or dead-letter": "reject_requeue_false",
} as const;

/** Messages that were got from a queue, as a client would: each get is a delivery. */
export class GotMessages {
  readonly element: HTMLElement;
  readonly #messages = h("div", { class: "messages" });
  readonly #none = h("p", { class: "empty" }, "The queue was empty.");

  constructor() {
    const hide = button("Hide", () => this.element.hidden = true);
    this.element = listCard("Messages got", [hide], this.#messages, this.#none);
    this.element.hidden = true;
  }

  /** Asks how many to get and what becomes of them, and shows them. True when that was done. */
  ask({ api }: View, vhost: string, queue: string): Promise<boolean> {
    return showForm({
      title: `Get messages from ${queue}`,
      text:
        "A client's way: what is put back is marked as redelivered. To look without that, open " +
        "the messages in the list.",
      action: "Get",
      fields: [
        { name: "count", label: "How many", kind: "number", value: "1", required: true },
        {
          name: "mode",
          label: "What becomes of them",
          kind: "select",
          options: Object.keys(MODES),
        },
      ],
      submit: async (values) => {
        const wanted = Number(values["count"]);
        if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST) {
          throw new Error(`How many: a number from 1 to ${MOST}.`);
        }
        const body = {
          count: wanted,
          ackmode: MODES[values["mode"] as keyof typeof MODES],
          encoding: "auto",
          truncate: BODY_MAX,
        };
        this.#show(await api.ask("POST", path`/queues/${vhost}/${queue}/get`, { body }));
      },
    });
  }

  #show(told: readonly Data[]): void {
    this.element.hidden = false;
    this.#none.hidden = told.length > 0;
    this.#messages.replaceChildren(...told.map((message) => {
      const { exchange, routing_key, redelivered, message_count } = message;
      return messageElement({
        badge: "got",
        where: exchange === "" ? routing_key : `${exchange} · ${routing_key}`,
        facts: [
          ["Exchange", exchangeName(exchange)],
          ["Routing key", routing_key],
          ["Redelivered", redelivered ? "yes" : "no"],
          ["Left behind it", count(message_count)],
        ],
        message,
      });
    }));
  }
}

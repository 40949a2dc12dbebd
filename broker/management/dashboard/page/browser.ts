import { ApiError, type Data, path } from "./api.ts";
import { h, setText } from "./dom.ts";
import { showForm } from "./dialog.ts";
import { count, exchangeName, moment } from "./format.ts";
import { GotMessages } from "./got_messages.ts";
import { messageElement } from "./message.ts";
import { attempt, notify } from "./notice.ts";
import { button, confirmed, listCard } from "./parts.ts";
import type { View } from "./view.ts";

const PAGE = 20;
/** So much of a body is shown. */
const BODY_MAX = 16_384;

/** The messages of a queue, looked at where they are: nothing is taken out, and nothing marked. */
export class Browser {
  readonly element: HTMLElement;
  readonly #view: View;
  readonly #vhost: string;
  readonly #queue: string;
  readonly #got = new GotMessages();
  readonly #messages = h("div", { class: "messages" });
  readonly #empty = h("p", { class: "empty loading" }, "Loading…");
  readonly #where = h("span", { class: "muted", role: "status" });
  readonly #pager = h("nav", {
    class: "pager",
    "aria-label": "Pages of messages",
    hidden: true,
  });
  readonly #before = button("Previous", () => void this.#turn(-1));
  readonly #after = button("Next", () => void this.#turn(1));
  /** After which message each page that was seen begins. */
  readonly #starts = [-1];
  #page = 0;
  /** The one that is shown, while another one may have been asked for. */
  #shownPage = 0;
  #last = -1;
  /** What is shown, by its id: as it was told, and what was drawn of it. */
  #shown = new Map<number, { readonly told: string; readonly element: HTMLDetailsElement }>();
  /** How often it was asked, and which of the answers is shown. */
  #asked = 0;
  #answered = 0;

  constructor(view: View, vhost: string, queue: string) {
    this.#view = view;
    this.#vhost = vhost;
    this.#queue = queue;
    this.#pager.append(this.#before, this.#where, this.#after);
    const list = listCard(
      "Messages",
      [
        button("Refresh", () => void this.refresh()),
        button("Get", () => void this.#get()),
        button("Move all", () => void this.#move("all")),
      ],
      this.#messages,
      this.#empty,
      this.#pager,
    );
    this.element = h("div", { class: "stack" }, list, this.#got.element);
    void this.refresh();
  }

  get #path(): string {
    return path`/queues/${this.#vhost}/${this.#queue}`;
  }

  /** Looks again at the page that is shown. */
  async refresh(): Promise<void> {
    await attempt(this.#load(), "");
  }

  async #load(): Promise<void> {
    const page = this.#page;
    const after = this.#starts[page]!;
    const query = `after=${after}&limit=${PAGE + 1}&truncate=${BODY_MAX}`;
    const number = ++this.#asked;
    let told: Data[];
    try {
      told = await this.#view.api.get(`${this.#path}/messages?${query}`, this.#view.signal);
    } catch (error) {
      // another page is shown by now
      if (this.#view.signal.aborted) return;
      // what is shown stays, and goes on from there
      if (number === this.#asked) {
        this.#answered = number;
        this.#page = this.#shownPage;
      }
      // the page says so
      if (error instanceof ApiError && error.status === 404) return;
      throw error;
    }
    // answers may come in another order
    if (number < this.#asked) return;
    this.#answered = number;
    this.#shownPage = page;
    const shown = told.slice(0, PAGE);
    this.#last = shown.at(-1)?.id ?? after;
    this.#show(shown);
    this.#empty.hidden = shown.length > 0;
    this.#empty.classList.remove("loading");
    setText(this.#empty, "No messages.");
    this.#before.disabled = page === 0;
    this.#after.disabled = told.length <= PAGE;
    this.#pager.hidden = page === 0 && told.length === 0;
    const first = page * PAGE;
    setText(
      this.#where,
      shown.length === 0 ? "" : `${count(first + 1)} to ${count(first + shown.length)}`,
    );
  }

  /** What is as it was stays where somebody may be about to click; what was opened stays so. */
  #show(messages: readonly Data[]): void {
    const before = this.#shown;
    this.#shown = new Map();
    for (const message of messages) {
      const told = JSON.stringify(message);
      const known = before.get(message.id);
      if (known?.told === told) this.#shown.set(message.id, known);
      else {
        const element = this.#draw(message);
        element.open = known?.element.open === true;
        this.#shown.set(message.id, { told, element });
      }
    }
    const elements = Array.from(this.#shown.values(), ({ element }) => element);
    for (const { element } of before.values()) if (!elements.includes(element)) element.remove();
    // what is moved is taken out for a moment, and loses the focus
    for (const [index, element] of elements.entries()) {
      const there = this.#messages.children[index];
      if (there !== element) this.#messages.insertBefore(element, there ?? null);
    }
  }

  async #turn(by: 1 | -1): Promise<void> {
    // where the next one begins is not known yet
    if (by === 1 && this.#answered < this.#asked) return;
    // nor that there is none before
    if (by === -1 && this.#page === 0) return;
    if (by === 1) this.#starts[this.#page + 1] = this.#last;
    this.#page += by;
    await this.refresh();
  }

  #draw(message: Data): HTMLDetailsElement {
    const { id, state, exchange, routing_key } = message;
    const facts: [string, string][] = [
      ["Exchange", exchangeName(exchange)],
      ["Routing key", routing_key],
      ["Redelivered", message.redelivered ? "yes" : "no"],
      ["Delivery count", count(message.delivery_count)],
      ...message.expires_at === null ? [] : [["Expires", moment(message.expires_at)] as const],
      ...message.retried_at === null ? [] : [["Tried again", moment(message.retried_at)] as const],
    ].map(([name, value]) => [name!, value!]);
    const where = exchange === "" ? routing_key : `${exchange} · ${routing_key}`;
    return messageElement({ badge: state, where, facts, message }, [
      button("Move", () => void this.#move([id]), "small"),
      button("Delete", () => void this.#delete(id), "small danger"),
    ]);
  }

  async #get(): Promise<void> {
    if (await this.#got.ask(this.#view, this.#vhost, this.#queue)) await this.refresh();
  }

  async #delete(id: number): Promise<void> {
    const work = async () => {
      const body = { ids: [id] };
      const { deleted } = await this.#view.api.ask("DELETE", `${this.#path}/messages`, { body });
      if (deleted === 0) throw new Error("It is not waiting any longer.");
    };
    const text = "It will be gone for good.";
    await confirmed("Delete this message?", text, "Delete", work, "The message is gone.");
    await this.refresh();
  }

  async #move(ids: readonly number[] | "all"): Promise<void> {
    await showForm({
      title: ids === "all" ? "Move all messages" : "Move this message",
      text: "It is published again, and leaves this queue once that is done.",
      action: "Move",
      fields: [
        { name: "exchange", label: "To exchange", hint: "Empty for the default one" },
        {
          name: "routing_key",
          label: "Routing key",
          hint: "With the default one: the queue's name",
        },
      ],
      submit: async ({ exchange = "", routing_key = "" }) => {
        const body = { ids, exchange, routing_key };
        const { moved } = await this.#view.api.ask("POST", `${this.#path}/move`, { body });
        if (moved === 0) throw new Error("None was moved: no queue took it, or it has gone.");
        notify(moved === 1 ? "One message was moved." : `${count(moved)} messages were moved.`);
      },
    });
    await this.refresh();
  }
}

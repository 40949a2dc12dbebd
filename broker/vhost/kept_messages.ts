import { Content } from "../amqp/content.ts";
import { contentProperties } from "../amqp/content_codec.ts";
import { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { Binding } from "../routing/binding.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { RoutedMessage } from "../routing/exchange_type.ts";
import type { MessageKeeper } from "../routing/exchanges.ts";
import type { DelayedMessages, DelayLine } from "./delayed_messages.ts";

/** What messages are kept with. */
export interface KeptMessagesOptions {
  /** Where messages are kept. */
  readonly pages: PagePool;
  /** Where those wait that are held back; all vhosts of a broker share it. */
  readonly delayed: DelayedMessages;
  /** Publishes a message that was kept, into the queues that its route finds. */
  readonly publish: (message: Message, route: KeptRoute) => void;
}

/** Finds the queues of a message that was kept, by its routing key and those of CC and BCC. */
export type KeptRoute = (moreKeys: readonly string[] | undefined) => readonly MessageQueue[];

/**
 * The messages that exchanges of one vhost keep past their routing: those that are held back, and
 * those that are remembered for who is bound later. They are in memory, as RabbitMQ's history is.
 */
export class KeptMessages implements MessageKeeper<MessageQueue> {
  readonly #options: KeptMessagesOptions;
  readonly #delays = new Map<Exchange<MessageQueue>, DelayLine>();
  readonly #histories = new Map<Exchange<MessageQueue>, History>();
  /** How many messages were ever held back. */
  heldBack = 0;
  /** The exchange that routes what it has held back long enough. */
  #releasing: Exchange<MessageQueue> | undefined = undefined;

  constructor(options: KeptMessagesOptions) {
    this.#options = options;
  }

  /** How many messages an exchange holds back. */
  delayedCount(exchange: Exchange<MessageQueue>): number {
    const line = this.#delays.get(exchange);
    return line === undefined ? 0 : this.#options.delayed.count(line);
  }

  /** Holds a message back if its exchange wants that, or remembers it. */
  keep(exchange: Exchange<MessageQueue>, routed: RoutedMessage): boolean {
    const message = routed as Message; // nothing else is routed in a vhost
    const { delay, history } = exchange.table;
    if (delay !== undefined && exchange !== this.#releasing) {
      const delayMs = delay.of(message);
      if (delayMs > 0) {
        this.#holdBack(exchange, message, delayMs);
        return true;
      }
    }
    if (history?.takes(message)) this.#remember(exchange, message, history.length);
    return false;
  }

  #holdBack(exchange: Exchange<MessageQueue>, message: Message, delayMs: number): void {
    const { delayed } = this.#options;
    let line = this.#delays.get(exchange);
    if (line === undefined) {
      line = { due: (waited) => this.#due(exchange, waited) };
      this.#delays.set(exchange, line);
    }
    this.heldBack++;
    delayed.add(line, message, delayed.clock.now() + delayMs);
  }

  #due(exchange: Exchange<MessageQueue>, waited: Message): void {
    const message = goingOn(exchange, waited);
    this.#options.publish(message, (moreKeys) => {
      this.#releasing = exchange;
      try {
        return exchange.route(message.routingKey, message, moreKeys);
      } finally {
        this.#releasing = undefined;
      }
    });
  }

  #remember(exchange: Exchange<MessageQueue>, message: Message, length: number): void {
    if (!(length > 0)) return;
    let history = this.#histories.get(exchange);
    if (history === undefined) this.#histories.set(exchange, history = new History(length));
    message.hold(this.#options.pages);
    history.add(message)?.release(this.#options.pages);
  }

  /** Brings what an exchange remembers to where it was bound to. */
  bound({ source, destination }: Binding<MessageQueue>): void {
    for (const message of this.#histories.get(source)?.messages() ?? []) {
      this.#options.publish(
        message,
        (moreKeys) =>
          destination.kind === "queue"
            ? [destination]
            : destination.route(message.routingKey, message, moreKeys),
      );
    }
  }

  /** Forgets all that an exchange kept. */
  removed(exchange: Exchange<MessageQueue>): void {
    const { delayed, pages } = this.#options;
    const line = this.#delays.get(exchange);
    this.#delays.delete(exchange);
    if (line !== undefined) delayed.drop(line);
    const history = this.#histories.get(exchange);
    this.#histories.delete(exchange);
    for (const message of history?.messages() ?? []) message.release(pages);
  }
}

/** The message as it goes on. It was routed before, so it may be in queues, and cannot be changed. */
function goingOn({ table }: Exchange<MessageQueue>, waited: Message): Message {
  const content = new Content();
  content.assign(waited);
  const properties = contentProperties(waited);
  if (table.delay?.propertiesAfter !== undefined) {
    content.properties = table.delay.propertiesAfter(properties);
    content.head = undefined;
  }
  const message = new Message(content);
  // it was checked when it came in
  if (properties.expiration !== undefined) message.expirationMs = Number(properties.expiration);
  return message;
}

/** The last messages of an exchange, in a ring. */
class History {
  readonly #length: number;
  readonly #ring: Message[] = [];
  #oldest = 0;

  constructor(length: number) {
    this.#length = length;
  }

  /** Adds a message; gives the one that is forgotten for it. */
  add(message: Message): Message | undefined {
    if (this.#ring.length < this.#length) {
      this.#ring.push(message);
      return undefined;
    }
    const forgotten = this.#ring[this.#oldest];
    this.#ring[this.#oldest] = message;
    this.#oldest = (this.#oldest + 1) % this.#length;
    return forgotten;
  }

  /** The messages, oldest first. */
  messages(): Message[] {
    return [...this.#ring.slice(this.#oldest), ...this.#ring.slice(0, this.#oldest)];
  }
}

import { Content } from "../amqp/content.ts";
import { contentProperties } from "../amqp/content_codec.ts";
import { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { Binding } from "../routing/binding.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { RoutedMessage } from "../routing/exchange_type.ts";
import type { MessageKeeper } from "../routing/exchanges.ts";
import type { Store } from "../store/store.ts";
import type { DelayLine } from "./delay_line.ts";
import type { DelayedMessages } from "./delayed_messages.ts";

/** What messages are kept with. */
export interface KeptMessagesOptions {
  /** Where messages are kept. */
  readonly pages: PagePool;
  /** Where messages that are held back survive a restart; undefined when none do. */
  readonly store: Store | undefined;
  /** Gives an id of the store for what memory has no room for. */
  readonly nextQueueId: () => number;
  /** Where those wait that are held back; all vhosts of a broker share it. */
  readonly delayed: DelayedMessages;
  /** Publishes a message that was kept, into the queues that its route finds. False when the store did
   * not take it, and so nobody did. */
  readonly publish: (message: Message, route: KeptRoute) => boolean;
}

/** Finds the queues of a message that was kept, by its routing key and those of CC and BCC. */
export type KeptRoute = (moreKeys: readonly string[] | undefined) => readonly MessageQueue[];

/**
 * The messages that exchanges of one vhost keep past their routing: those that are held back, and
 * those that are remembered for who is bound later. The latter are in memory, as RabbitMQ's history
 * is.
 */
export class KeptMessages implements MessageKeeper<MessageQueue> {
  private readonly _options: KeptMessagesOptions;
  private readonly _delays = new Map<Exchange<MessageQueue>, DelayLine>();
  private readonly _histories = new Map<Exchange<MessageQueue>, History>();
  /** How many exchanges hold back the message that was routed last. */
  heldBack = 0;
  /** True when the store has it for one of them. */
  stored = false;
  /** True when the store did not take it for one of them. */
  refused = false;
  /** The exchange that routes what it has held back long enough. */
  private _releasing: Exchange<MessageQueue> | undefined = undefined;

  constructor(options: KeptMessagesOptions) {
    this._options = options;
  }

  /** Another message is about to be routed. */
  begin(): void {
    this.heldBack = 0;
    this.stored = this.refused = false;
  }

  /** What an exchange holds back; undefined when it never did. */
  delaysOf(exchange: Exchange<MessageQueue>): DelayLine | undefined {
    return this._delays.get(exchange);
  }

  /**
   * Gives an exchange a place in the store, and takes back what is there.
   *
   * @param id What the store knows it by.
   */
  storeDelays(exchange: Exchange<MessageQueue>, id: number): void {
    this._openDelays(exchange, id);
  }

  /** Holds a message back if its exchange wants that, or remembers it. */
  keep(exchange: Exchange<MessageQueue>, routed: RoutedMessage): boolean {
    const message = routed as Message; // nothing else is routed in a vhost
    const { delay, history } = exchange.table;
    if (delay !== undefined && exchange !== this._releasing) {
      const delayMs = delay.of(message);
      if (delayMs > 0) {
        this._holdBack(exchange, message, delayMs);
        return true;
      }
    }
    if (history?.takes(message)) this._remember(exchange, message, history.length);
    return false;
  }

  private _holdBack(exchange: Exchange<MessageQueue>, message: Message, delayMs: number): void {
    const line = this._delays.get(exchange) ?? this._openDelays(exchange);
    const kept = line.add(message, this._options.delayed.clock.now() + delayMs);
    if (kept === "refused") this.refused = true;
    else this.heldBack++;
    if (kept === "store") this.stored = true;
  }

  private _openDelays(exchange: Exchange<MessageQueue>, id?: number): DelayLine {
    const { store, nextQueueId } = this._options;
    const place = (store: Store, id: number) => ({ store, stored: store.queue(id) });
    const line = this._options.delayed.open({
      name: `exchange '${exchange.name}'`,
      durability: store === undefined || id === undefined ? undefined : place(store, id),
      spill: store === undefined ? undefined : () => place(store, nextQueueId()),
      onDue: (waited) => this._due(exchange, waited),
    });
    this._delays.set(exchange, line);
    return line;
  }

  private _due(exchange: Exchange<MessageQueue>, waited: Message): boolean {
    const message = goingOn(exchange, waited);
    return this._options.publish(message, (moreKeys) => {
      this._releasing = exchange;
      try {
        return exchange.route(message.routingKey, message, moreKeys);
      } finally {
        this._releasing = undefined;
      }
    });
  }

  private _remember(exchange: Exchange<MessageQueue>, message: Message, length: number): void {
    if (!(length > 0)) return;
    let history = this._histories.get(exchange);
    if (history === undefined) this._histories.set(exchange, history = new History(length));
    message.hold(this._options.pages);
    history.add(message)?.release(this._options.pages);
  }

  /** Brings what an exchange remembers to where it was bound to. */
  bound({ source, destination }: Binding<MessageQueue>): void {
    for (const message of this._histories.get(source)?.messages() ?? []) {
      this._options.publish(
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
    const { delayed, pages } = this._options;
    const line = this._delays.get(exchange);
    this._delays.delete(exchange);
    if (line !== undefined) delayed.remove(line);
    const history = this._histories.get(exchange);
    this._histories.delete(exchange);
    for (const message of history?.messages() ?? []) message.release(pages);
  }
}

/** The message as it goes on. It was routed before, so it may be in queues, and cannot be changed. */
function goingOn({ table }: Exchange<MessageQueue>, waited: Message): Message {
  const content = new Content();
  content.assign(waited);
  if (table.delay?.propertiesAfter !== undefined) {
    content.loseHead();
    content.properties = table.delay.propertiesAfter(contentProperties(waited));
  }
  const message = new Message(content);
  message.readExpiration();
  return message;
}

/** The last messages of an exchange, in a ring. */
class History {
  private readonly _length: number;
  private readonly _ring: Message[] = [];
  private _oldest = 0;

  constructor(length: number) {
    this._length = length;
  }

  /** Adds a message; gives the one that is forgotten for it. */
  add(message: Message): Message | undefined {
    if (this._ring.length < this._length) {
      this._ring.push(message);
      return undefined;
    }
    const forgotten = this._ring[this._oldest];
    this._ring[this._oldest] = message;
    this._oldest = (this._oldest + 1) % this._length;
    return forgotten;
  }

  /** The messages, oldest first. */
  messages(): Message[] {
    return [...this._ring.slice(this._oldest), ...this._ring.slice(0, this._oldest)];
  }
}

import { Content } from "../amqp/content.ts";
import { contentProperties } from "../amqp/content_codec.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { Steps } from "../amqp/long_work.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import { Discard } from "../queue/discard.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { RoutedMessage } from "../routing/exchange_type.ts";
import type { MessageKeeper } from "../routing/exchanges.ts";
import type { Store } from "../store/store.ts";
import { isDeadLetterCycle } from "./dead_letter.ts";
import type { DelayLine } from "./delay_line.ts";
import type { DelayedMessages } from "./delayed_messages.ts";

/** More than so many remembered messages are not brought to a new binding at once. */
const BROUGHT_AT_ONCE = 1000;
/** So many are a step then. */
const CHUNK = 64;
/** What that costs. */
const CHUNK_COST = 4;
/** So many are let go of where a queue would drop one. */
const RELEASED_FOR_ONE = 4;

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
  /** True when the store has it for one of them, or may have the one that it is a duplicate of. */
  stored = false;
  /** True when the store did not take it for one of them. */
  refused = false;
  /** True while what is remembered is routed to where it is brought. */
  private _brings = false;
  /** What a dead message tells of its deaths while that is routed. */
  private _deaths: readonly FieldTable[] | undefined = undefined;
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
    if (this._deaths !== undefined) history.tellDeaths(this._deaths);
    if (history.followers.size > 0 && !this._brings) this._owe(history);
  }

  /** True when an exchange remembers so much that it is not brought anywhere at once. */
  remembersMany(exchange: Exchange<MessageQueue>): boolean {
    return (this._histories.get(exchange)?.size ?? 0) > BROUGHT_AT_ONCE;
  }

  /**
   * Brings what an exchange remembers, oldest first, to where it is about to be bound to, and what it will remember
   * meanwhile.
   *
   * @param isWanted Tells whether it is still to be bound. Default: it is.
   */
  *bring(
    source: Exchange<MessageQueue>,
    destination: MessageQueue | Exchange<MessageQueue>,
    isWanted: () => boolean = () => true,
  ): Steps {
    const history = this._histories.get(source);
    if (history === undefined) return;
    const bringing = new Bringing(
      history,
      isWanted,
      (message, through) => this._bring(message, destination, through),
    );
    let { size } = history;
    history.bringings++;
    try {
      while (bringing.some(CHUNK)) {
        // one that is published to faster than it is brought would never be done
        if ((size -= CHUNK) <= 0) history.followers.add(bringing);
        yield CHUNK_COST;
      }
    } finally {
      history.followers.delete(bringing);
      if (--history.bringings === 0) history.forgetWays();
    }
  }

  /** Whoever publishes has one more message brought for each of his, so that those which are left become fewer. */
  private _owe(history: History): void {
    if (history.owed++ > 0) return;
    // not now: a message is being routed
    atEndOfTurn(() => {
      const { owed } = history;
      history.owed = 0;
      for (const bringing of history.followers) bringing.help(owed);
    });
  }

  private _bring(
    message: Message,
    destination: MessageQueue | Exchange<MessageQueue>,
    through: Through,
  ): void {
    const { pages, publish } = this._options;
    const route = (moreKeys: readonly string[] | undefined) => {
      if (destination.kind === "queue") return [destination];
      this._brings = true;
      try {
        return destination.route(message.routingKey, message, moreKeys);
      } finally {
        this._brings = false;
      }
    };
    message.hold(pages);
    try {
      publish(message, (moreKeys) => through(() => route(moreKeys)));
    } finally {
      message.release(pages);
    }
  }

  /** Routes a dead message. Exchanges that remember it while that is brought somewhere note its deaths. */
  routeDead<Routed>(deaths: readonly FieldTable[], route: () => Routed): Routed {
    this._deaths = deaths;
    try {
      return route();
    } finally {
      this._deaths = undefined;
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
    const left = history?.forget() ?? [];
    if (left.length === 0) return;
    // very many of them some at a time
    new Discard().add((max) => {
      for (let count = RELEASED_FOR_ONE * max; count > 0; count--) {
        const message = left.pop();
        if (message === undefined) return true;
        message.release(pages);
      }
      return false;
    });
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

/** The last messages of an exchange, in a ring. They have numbers, in the order in which they came. */
class History {
  private readonly _length: number;
  private _ring: Message[] = [];
  /** The number of the next one. */
  end = 0;
  /** True when its exchange is gone. */
  isForgotten = false;
  /** Those that it is brought to and that might never be done. */
  readonly followers = new Set<Bringing>();
  /** So many are to be brought to each of those. */
  owed = 0;
  /** To so many it is brought. */
  bringings = 0;
  /** Which of them were remembered once more, since there is a way back from where they were brought, and who need
   * not bring them again. */
  readonly again = new Map<number, Bringing | "all">();
  /** The deaths of those that had died before they came meanwhile. */
  readonly deaths = new Map<number, readonly FieldTable[]>();

  constructor(length: number) {
    this._length = length;
  }

  /** How many there are. */
  get size(): number {
    return this._ring.length;
  }

  /** The number of the oldest one. */
  get first(): number {
    return this.end - this._ring.length;
  }

  /** The one of a number, from `first` on. */
  at(number: number): Message {
    return this._ring[number % this._length]!;
  }

  /** Adds a message; gives the one that is forgotten for it. */
  add(message: Message): Message | undefined {
    const at = this.end++ % this._length;
    const forgotten = this._ring[at];
    this._ring[at] = message;
    return forgotten;
  }

  /** Those from a number on were remembered once more. */
  cameAgain(from: number, for_: Bringing | "all"): void {
    for (let number = from; number < this.end; number++) this.again.set(number, for_);
    forgetBefore(this.first, this.again);
  }

  /** The last one had died before. */
  tellDeaths(deaths: readonly FieldTable[]): void {
    if (this.bringings === 0) return;
    this.deaths.set(this.end - 1, deaths);
    forgetBefore(this.first, this.deaths);
  }

  /** It is brought to nobody any more. */
  forgetWays(): void {
    this.again.clear();
    this.deaths.clear();
  }

  /** Gives all of them, in no order. */
  forget(): Message[] {
    const all = this._ring;
    this._ring = [];
    this.isForgotten = true;
    return all;
  }
}

/** Keys have come in their order. */
function forgetBefore(first: number, map: Map<number, unknown>): void {
  for (const number of map.keys()) {
    if (number >= first) return;
    map.delete(number);
  }
}

/** Is told how the queues are found that a message is brought to, and gives those that are to get it. */
type Through = (route: () => readonly MessageQueue[]) => readonly MessageQueue[];

/** A history on its way to where it is about to be bound to. */
class Bringing {
  private readonly _history: History;
  private readonly _isWanted: () => boolean;
  private readonly _bring: (message: Message, through: Through) => void;
  private _next: number;
  /** What went wrong while somebody helped. */
  private _failure: { readonly error: unknown } | undefined;

  constructor(
    history: History,
    isWanted: () => boolean,
    bring: (message: Message, through: Through) => void,
  ) {
    this._history = history;
    this._isWanted = isWanted;
    this._bring = bring;
    this._next = history.first;
  }

  /** Brings up to so many; false when none is left, or none is wanted any more. */
  some(count: number): boolean {
    if (this._failure !== undefined) throw this._failure.error;
    const history = this._history;
    if (!this._isWanted()) return false;
    for (; count > 0; count--) {
      if (history.isForgotten) return false;
      const next = Math.max(this._next, history.first);
      if (next === history.end) return false;
      this._next = next + 1;
      const again = history.again.get(next);
      if (again === this || again === "all") continue;
      this._bring(history.at(next), (route) => this._through(next, route));
    }
    return true;
  }

  private _through(number: number, route: () => readonly MessageQueue[]): readonly MessageQueue[] {
    const { again, deaths, end } = this._history;
    const queues = route();
    // what comes back twice would go round for ever among several that have ways back
    if (this._history.end > end) this._history.cameAgain(end, again.has(number) ? "all" : this);
    const died = deaths.get(number);
    // nor does what dies go round, as it would not if it were bound already
    return died === undefined
      ? queues
      : queues.filter(({ name }) => !isDeadLetterCycle(died, name));
  }

  /** Does the same where nobody waits for it. */
  help(count: number): void {
    try {
      this.some(count);
    } catch (error) {
      this._failure = { error };
    }
  }
}

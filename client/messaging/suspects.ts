import type { AmqpError } from "../../broker/amqp/error.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { Trials } from "./trials.ts";

/** A message that ended so many connections in a row, being under way alone, is not sent again. */
const ENDS_MAX = 3;

/**
 * Which messages of a publisher may be what the broker closes channels or connections for: they are sent
 * again one at a time, until each is settled.
 *
 * A channel is closed for what was sent on it, so the first time is enough. A connection is closed for
 * anything that was sent on it, or for a stream that was damaged on its way, so it takes two ends in a
 * row with the same message under way; and then a message is the culprit only when it was under way alone
 * three times in a row, at last with nobody else on the connection sending again.
 */
export class Suspects {
  /** How many of the next messages there are. */
  count = 0;
  /** True when somebody must tell of each message that is settled. */
  active = false;
  readonly #trials: Trials;
  /** Under way when the latest connection was closed. */
  readonly #doubted = new Set<OutgoingMessage>();
  /** Was under way alone then, and how often in a row. */
  #lone: OutgoingMessage | undefined;
  #ends = 0;

  constructor(trials: Trials) {
    this.#trials = trials;
  }

  /** True while others have their turn. */
  get keptOut(): boolean {
    return this.#trials.keepsOut(this);
  }

  /** Calls back whenever there may be a turn, until the result is called. */
  watch(goOn: () => void): () => void {
    return this.#trials.watch(goOn);
  }

  /** A channel was closed for one of these, which are sent again next. */
  channelClosed(messages: readonly OutgoingMessage[]): void {
    this.count = messages.length;
    this.active = true;
  }

  /** A connection was closed while these were under way. Gives the one that it is closed for each time, if
   * that is known; the others, or all, are sent again next. */
  connectionClosed(messages: readonly OutgoingMessage[]): OutgoingMessage | undefined {
    const alone = messages.length === 1 ? messages[0] : undefined;
    this.#ends = alone !== undefined && alone === this.#lone ? this.#ends + 1 : 1;
    this.#lone = alone;
    if (alone !== undefined && this.#ends >= ENDS_MAX && this.#trials.isHeldBy(this)) {
      this.settled(alone);
      return alone;
    }
    this.active = true;
    if (messages.some((message) => this.#doubted.has(message))) {
      this.count = Math.max(this.count, messages.length);
      this.#trials.join(this);
    }
    this.#doubted.clear();
    for (const message of messages) this.#doubted.add(message);
    return undefined;
  }

  /** How many connections a message is rejected for. */
  static readonly endsMax = ENDS_MAX;

  /** A message was settled, whichever way. */
  settled(message: OutgoingMessage): void {
    this.#doubted.delete(message);
    if (message === this.#lone) this.#lone = undefined;
    if (this.count > 0) this.count--;
    if (this.count === 0) this.#trials.leave(this);
    this.active = this.count > 0 || this.#doubted.size > 0;
  }

  /** Nothing is sent any more, or nothing again. */
  end(): void {
    this.count = 0;
    this.active = false;
    this.#doubted.clear();
    this.#lone = undefined;
    this.#trials.leave(this);
  }
}

/** The connection was closed by an operator, or a broker that stops: for no message. */
const CONNECTION_FORCED = 320;

/** True of the end of a connection that may have come of a message. */
export function mayBeForMessage({ hard, replyCode }: AmqpError): boolean {
  return hard && replyCode !== CONNECTION_FORCED;
}

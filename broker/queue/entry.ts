import type { Message } from "../message.ts";

/** What there is to say of few messages only. Declared as in the entry. */
class Particulars {
  declare deadline: number;
  declare priority: number;
  declare redelivered: boolean;
  declare deliveryCount: number;
  declare acquiredCount: number;

  constructor(deadline: number, priority: number) {
    this.deadline = deadline;
    this.priority = priority;
    this.redelivered = false;
    this.deliveryCount = 0;
    this.acquiredCount = 0;
  }
}

/** Those of all messages of which there is nothing to say; never changed. */
const NONE = new Particulars(0, 0);

/** In an entry's number: whether the store has it, whether it is redelivered, and an octet of priority, ... */
const BITS = 2 ** 10;
/** ... then two counts that are less than this. */
const COUNTS = 2 ** 20;

/**
 * A message in one queue: waiting, or delivered and not yet settled.
 *
 * There is one for each message, so it should touch little memory: what most messages have in common lies
 * in an object that they share. What the constructor sets is only declared, or it would be written twice.
 */
export class QueueEntry {
  /** The message, which other queues may share. */
  declare readonly message: Message;
  /** Where in the queue it belongs: grows with each message that comes in. */
  declare readonly position: number;
  /** True when the store has it too. */
  declare readonly stored: boolean;
  declare private _particulars: Particulars;

  /**
   * @param deadline When it is too old to be delivered, in milliseconds since 1970; 0: never.
   * @param priority Its priority in this queue.
   */
  constructor(message: Message, position: number, stored = false, deadline = 0, priority = 0) {
    this.message = message;
    this.position = position;
    this.stored = stored;
    this._particulars = deadline === 0 && priority === 0
      ? NONE
      : new Particulars(deadline, priority);
  }

  /** When it is too old to be delivered, in milliseconds since 1970; 0: never. */
  get deadline(): number {
    return this._particulars.deadline;
  }

  /** Its priority in this queue. */
  get priority(): number {
    return this._particulars.priority;
  }

  /** True once it has been delivered to anybody. */
  get redelivered(): boolean {
    return this._particulars.redelivered;
  }
  set redelivered(redelivered: boolean) {
    this._ownParticulars().redelivered = redelivered;
  }

  /** How often it came back from a consumer without being settled, as far as that counts towards the
   * delivery limit. */
  get deliveryCount(): number {
    return this._particulars.deliveryCount;
  }
  set deliveryCount(count: number) {
    this._ownParticulars().deliveryCount = count;
  }

  /** How often it came back at all. The store does not remember it where it differs. */
  get acquiredCount(): number {
    return this._particulars.acquiredCount;
  }
  set acquiredCount(count: number) {
    this._ownParticulars().acquiredCount = count;
  }

  /** What is said of it besides its message, position and deadline, as one number; undefined: it was delivered
   * too often for that. */
  toNumber(): number | undefined {
    const { priority, redelivered, deliveryCount, acquiredCount } = this._particulars;
    if (deliveryCount >= COUNTS || acquiredCount >= COUNTS) return undefined;
    const bits = (this.stored ? 1 : 0) + (redelivered ? 2 : 0) + priority * 4;
    return bits + (acquiredCount + deliveryCount * COUNTS) * BITS;
  }

  /** The same as `acquiredCount`, of such a number. */
  static acquiredCountOf(number: number): number {
    return Math.floor(number / BITS) % COUNTS | 0;
  }

  /** Makes one again of such a number. */
  static ofNumber(
    message: Message,
    position: number,
    number: number,
    deadline: number,
  ): QueueEntry {
    const bits = number % BITS | 0;
    const entry = new QueueEntry(message, position, (bits & 1) !== 0, deadline, bits >> 2);
    if (number < BITS && (bits & 2) === 0) return entry;
    const counts = Math.floor(number / BITS);
    const particulars = entry._ownParticulars();
    particulars.redelivered = (bits & 2) !== 0;
    particulars.acquiredCount = counts % COUNTS | 0;
    particulars.deliveryCount = counts / COUNTS | 0;
    return entry;
  }

  /** Those that are this entry's alone, to change them. */
  private _ownParticulars(): Particulars {
    if (this._particulars === NONE) this._particulars = new Particulars(0, 0);
    return this._particulars;
  }
}

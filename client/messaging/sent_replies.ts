import { copyOf } from "../../broker/amqp/byte_ranges.ts";
import type { AmqpError } from "../../broker/amqp/error.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";

const NO_BYTES = new Uint8Array(0);

/** A reply on its way to its caller. */
export class Reply {
  /** What it says; of one that was sent, it is kept elsewhere. */
  body: Uint8Array | string;
  readonly properties: BasicProperties;
  /** Where it goes. */
  readonly replyTo: string;
  /** True of the last word on a request: what the caller is told when its reply was refused. */
  readonly isLast: boolean;
  /** Where its bytes are kept, and from where to where: a view of each would be dear. */
  #page: Uint8Array<ArrayBuffer> | undefined;
  #start = 0;
  #end = 0;

  constructor(
    body: Uint8Array | string,
    properties: BasicProperties,
    replyTo: string,
    isLast = false,
  ) {
    this.body = body;
    this.properties = properties;
    this.replyTo = replyTo;
    this.isLast = isLast;
  }

  /** It is sent later: its body is copied, since its owner may write to it again. */
  wait(): void {
    if (typeof this.body !== "string") this.body = copyOf(this.body);
  }

  /** Its body is copied to a place of its own, and let go of. */
  keepIn(page: Uint8Array<ArrayBuffer>, start: number): void {
    const { length } = this.body;
    page.set(this.body as Uint8Array, start);
    this.#page = page;
    this.#start = start;
    this.#end = start + length;
    this.body = NO_BYTES;
  }

  /** Has its body back. */
  restore(): void {
    if (this.#page !== undefined) this.body = this.#page.subarray(this.#start, this.#end);
    this.#page = undefined;
  }
}

/** So many replies, or so many bytes or UTF-16 units of them, may be in doubt before it is asked which have
 * been taken. */
const IN_DOUBT_MAX = 200;
const IN_DOUBT_SIZE_MAX = 128 * 1024;
/** Bodies up to this size share a buffer, which is used again and again. */
const SHARED_MAX = 4096;
const FIRST_PAGE_SIZE = 16 * 1024;
const PAGE_SIZE_MAX = 256 * 1024;

const encoder = new TextEncoder();

/**
 * The replies of a channel that its broker may still refuse: it refuses one by closing the channel, says
 * nothing of those that it takes, and does not look at those behind the one that it refuses.
 *
 * Bodies are copied, since their owner may write to them again: into one buffer, for what lives a little
 * longer than a scavenge is dear to free.
 */
export class SentReplies {
  #replies: Reply[] = [];
  #page = new Uint8Array(0);
  #used = 0;
  /** How much was added since it was asked. */
  #size = 0;
  /** How many have been taken, and will not be looked at again. */
  #takenCount = 0;
  #asking = false;

  /** How many there are. */
  get length(): number {
    return this.#replies.length;
  }

  /** Adds one that was handed over to the link, and lets go of its body. */
  add(reply: Reply): void {
    this.#replies.push(reply);
    const { body } = reply;
    this.#size += body.length;
    if (typeof body === "string") return;
    if (body.length > SHARED_MAX) return reply.keepIn(new Uint8Array(body.length), 0);
    if (this.#used + body.length > this.#page.length) this.#turn();
    reply.keepIn(this.#page, this.#used);
    this.#used += body.length;
  }

  /** Those in the page before may still be in doubt. */
  #turn(): void {
    const size = Math.max(FIRST_PAGE_SIZE, Math.min(2 * this.#page.length, PAGE_SIZE_MAX));
    this.#page = new Uint8Array(size);
    this.#used = 0;
  }

  /** True when it is time to ask the broker whether it has taken what was sent. */
  get asks(): boolean {
    return !this.#asking &&
      (this.#replies.length >= IN_DOUBT_MAX || this.#size >= IN_DOUBT_SIZE_MAX);
  }

  /** It is asked. Gives what it has to be told by when it answers. */
  asking(): number {
    this.#asking = true;
    this.#size = 0;
    return this.#takenCount + this.#replies.length;
  }

  /** It has taken what was sent when it was asked. */
  taken(asked: number): void {
    this.#asking = false;
    const count = asked - this.#takenCount;
    this.#takenCount = asked;
    if (count < this.#replies.length) {
      this.#replies.splice(0, count);
    } else {
      this.#replies.length = 0;
      this.#used = 0;
    }
  }

  /** The channel has ended. Gives those that were in doubt. */
  end(): readonly Reply[] {
    const replies = this.#replies;
    this.#replies = [];
    this.#page = new Uint8Array(0); // they are in it
    this.#used = 0;
    this.#takenCount += replies.length;
    this.#size = 0;
    this.#asking = false;
    for (const reply of replies) reply.restore();
    return replies;
  }

  /**
   * The broker has refused one.
   *
   * When its words quote the size of a body that is too large, it is the first one of that size: those before
   * it have arrived, those behind it have not. Other words, such as those about another's `userId`, are about
   * what all replies have in common, or nobody knows: then all in doubt count as refused.
   *
   * @param reason What it closed the channel with.
   * @returns Those that it refused, and those to send again, in order.
   */
  refused(
    reason: AmqpError,
  ): { readonly refused: readonly Reply[]; readonly unseen: readonly Reply[] } {
    const replies = this.end();
    const [, quoted] = /message size (\d+) is larger than /.exec(reason.message) ?? [];
    const size = Number(quoted);
    const index = replies.findIndex(({ body }) => sizeOf(body) === size);
    if (index < 0) return { refused: replies, unseen: [] };
    return { refused: [replies[index]!], unseen: replies.slice(index + 1) };
  }
}

function sizeOf(body: Uint8Array | string): number {
  return typeof body === "string" ? encoder.encode(body).length : body.length;
}

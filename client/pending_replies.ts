import type { Content } from "../broker/amqp/content.ts";
import type { Method } from "../broker/amqp/methods/mod.ts";
import type { Inbox } from "./inbox.ts";
import type { Intake } from "./intake.ts";

/** The name of a method, such as `"queue.declare-ok"`. */
export type MethodName = Method["name"];

/** The method of that name. */
export type MethodNamed<Name extends MethodName> = Extract<Method, { readonly name: Name }>;

/** Makes of a reply what the caller gets. Runs while the link hands the reply over, so it must not
 * send and must not run code of the user. */
export type TakeReply<Name extends MethodName, Result> = (
  reply: MethodNamed<Name>,
  content: Content | undefined,
) => Result;

interface PendingReply {
  readonly expected: readonly MethodName[];
  readonly take: ((reply: never, content: Content | undefined) => unknown) | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The requests of one channel that wait for their reply.
 *
 * Several may be under way: a broker handles a channel's methods in order, so a caller need not wait
 * for one reply before the next request goes out. A reply belongs to the oldest request that expects
 * one of its name, because a broker may answer `tx.commit` after what was asked later.
 */
export class PendingReplies {
  readonly #waiting: PendingReply[] = [];
  readonly #intake: Intake;
  readonly #inbox: Inbox;

  /**
   * @param intake Is told that something is awaited, so that the link is not held up.
   * @param inbox Holds what came before a reply and is not handed out yet.
   */
  constructor(intake: Intake, inbox: Inbox) {
    this.#intake = intake;
    this.#inbox = inbox;
  }

  /** How many requests wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** True while something waits for a reply of this name. */
  expects(name: MethodName): boolean {
    return this.#waiting.some(({ expected }) => expected.includes(name));
  }

  /**
   * Registers a request and sends it.
   *
   * @param expected Names of the methods that answer it.
   * @param send Sends the request. What it throws rejects the promise.
   * @param take Makes the result of the reply; without it the reply itself is the result.
   * @returns The result. Rejects when the channel closes first.
   */
  ask<Name extends MethodName, Result = MethodNamed<Name>>(
    expected: readonly Name[],
    send: () => void,
    take?: TakeReply<Name, Result>,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const pending: PendingReply = {
        expected,
        take,
        resolve: resolve as (result: unknown) => void,
        reject,
      };
      // in one process the reply comes while the request is being sent
      this.#waiting.push(pending);
      this.#intake.expectReply();
      try {
        send();
      } catch (cause) {
        this.#remove(pending);
        throw cause;
      }
    });
  }

  /** Gives a reply to whom it belongs. False when nobody waits for it. */
  answer(reply: Method, content?: Content): boolean {
    const pending = this.#waiting.find(({ expected }) => expected.includes(reply.name));
    if (pending === undefined) return false;
    this.#remove(pending);
    const result = pending.take === undefined ? reply : pending.take(reply as never, content);
    // callbacks for what came before run before: who asks after a message knows that it did not come back
    if (this.#inbox.size === 0) pending.resolve(result);
    else this.#inbox.push({ take: () => pending.resolve(result) }, undefined);
    return true;
  }

  /** Rejects all that wait: no reply will come any more. */
  fail(error: Error): void {
    for (const pending of this.#waiting.splice(0)) {
      this.#intake.expectNoReply();
      pending.reject(error);
    }
  }

  #remove(pending: PendingReply): void {
    const index = this.#waiting.indexOf(pending);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#intake.expectNoReply();
  }
}

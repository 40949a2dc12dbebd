import { AmqpError } from "../../broker/amqp/error.ts";
import type { ChannelCore } from "../channel_core.ts";
import { ConnectionLostError, PoisonMessageError } from "../errors.ts";
import { blamedFor } from "./blame.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { mayBeForMessage, type Suspects } from "./suspects.ts";

/** All that a publish can name and that may not exist is its exchange. */
const NOT_FOUND = 404;

/** The messages of a publisher that were under way when their channel ended: who of them is to blame, and
 * what is sent again. */
export class InterruptedMessages {
  /** Sent on channels that have ended; to be sent again, one at a time while there are suspects. It is
   * this one array all the time. */
  readonly again: OutgoingMessage[] = [];
  /** Sent on a channel that is ending, in order. */
  #failing: OutgoingMessage[] = [];
  /** Which of the next messages may be what the broker closes channels or connections for. */
  readonly #suspects: Suspects<OutgoingMessage>;
  readonly #rejects: boolean;

  /** @param rejects True when nothing is sent again. */
  constructor(suspects: Suspects<OutgoingMessage>, rejects: boolean) {
    this.#suspects = suspects;
    this.#rejects = rejects;
  }

  /** All of them. */
  all(): OutgoingMessage[] {
    return [...this.#failing, ...this.again];
  }

  /** This one was under way; its channel is ending. */
  add(message: OutgoingMessage): void {
    this.#failing.push(message);
  }

  /** Forgets all of them. */
  clear(): void {
    this.#failing = [];
    this.again.length = 0;
  }

  /** The channel has ended. True when the broker closed it for one of these, or for what nobody confirms. */
  lost(core: ChannelCore | undefined, reason: Error, sentBlindly: boolean): boolean {
    const failing = this.#suspects.interrupted(this.#failing);
    this.#failing = [];
    const refused = reason instanceof AmqpError && !reason.hard &&
      (failing.length > 0 || sentBlindly);
    if (this.#rejects) {
      this.#rejectAll(failing, reason, refused);
    } else if (refused && failing.length === 1) {
      // the only one that was under way is to blame
      this.#refuse(failing[0]!, reason);
      if (reason.replyCode === NOT_FOUND) this.#refuseSuspectsTo(failing[0]!.exchange, reason);
    } else {
      // each of them may be to blame, and is tried alone
      if (refused) this.#suspects.channelClosed(failing);
      else this.#connectionClosed(core, reason, failing);
      this.#replaceAgain([...failing, ...this.again]);
    }
    return refused;
  }

  #replaceAgain(messages: readonly OutgoingMessage[]): void {
    this.again.length = 0;
    for (const message of messages) this.again.push(message);
  }

  #refuse(message: OutgoingMessage, reason: Error): void {
    message.reject(reason);
    if (this.#suspects.active) this.#suspects.settled(message);
  }

  #rejectAll(failing: readonly OutgoingMessage[], reason: Error, refused: boolean): void {
    const blamed = refused ? blamedFor(reason as AmqpError, failing) : [];
    const doubtful = new ConnectionLostError(
      `Cannot tell whether the message arrived: the ${
        refused ? "channel was closed" : "connection was lost"
      } before its confirm`,
      { cause: reason },
    );
    for (const message of [...failing, ...this.again]) {
      message.reject(blamed.includes(message) ? reason : doubtful);
    }
    this.again.length = 0;
    this.#suspects.end();
  }

  /** A broker may have closed the connection for a message: one that it does so for each time is taken
   * out of those that failed. */
  #connectionClosed(
    core: ChannelCore | undefined,
    reason: Error,
    failing: OutgoingMessage[],
  ): void {
    if (core === undefined || core.connection.misunderstood) return;
    if (!(reason instanceof AmqpError) || !mayBeForMessage(reason)) return;
    const culprit = this.#suspects.connectionClosed(failing, core.connection.wasShared);
    if (culprit === undefined) return;
    failing.splice(failing.indexOf(culprit), 1);
    culprit.reject(new PoisonMessageError(this.#suspects.ends, reason));
  }

  /** An exchange does not exist. Those that went to it together with the one that found that out would be
   * told the same, each at the price of a channel. */
  #refuseSuspectsTo(exchange: string, reason: Error): void {
    const suspects = this.#suspects.count;
    this.#replaceAgain(this.again.filter((message, index) => {
      if (index >= suspects || message.exchange !== exchange) return true;
      this.#refuse(message, reason);
      return false;
    }));
  }
}

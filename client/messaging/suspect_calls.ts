import { AmqpError } from "../../broker/amqp/error.ts";
import { basicQos } from "../../broker/amqp/methods/basic.ts";
import type { ChannelCore } from "../channel_core.ts";
import { ConnectionLostError, PoisonMessageError } from "../errors.ts";
import type { Call } from "./call.ts";
import { mayBeForMessage, Suspects, type SuspectsHome } from "./suspects.ts";

const CANNOT_TELL = "Cannot tell whether the call was made";

/** What {@linkcode SuspectCalls} uses of an RPC client. */
export interface Caller {
  /** True when calls that were under way are made again. */
  readonly retries: boolean;
  /** True while a call that came back waits to be made again. */
  hasReturned(call: Call): boolean;
  /** Makes one again. */
  send(call: Call): void;
}

/** The calls of a client that were under way when their channel ended: who of them is to blame, and those
 * that are made again one at a time. */
export class SuspectCalls {
  readonly #caller: Caller;
  /** What the broker may have closed the channel for: made again one at a time. */
  readonly #suspects = new Set<Call>();
  /** The one of them that the broker has not taken yet. */
  #alone: Call | undefined;
  /** Resolves when there are no suspects any more. */
  #trial: PromiseWithResolvers<void> | undefined;
  /** Which of them it may close connections for. */
  readonly #blame: Suspects<Call>;
  /** The channel that calls are made on, or were made on last. */
  #core: ChannelCore | undefined;

  constructor(home: SuspectsHome, caller: Caller) {
    this.#caller = caller;
    this.#blame = new Suspects(home, () => {}, () => this.#core?.isStuck === true);
  }

  /** True while there are any. */
  get underWay(): boolean {
    return this.#trial !== undefined;
  }

  /** Resolves when there are none. */
  async whenOver(): Promise<void> {
    await this.#trial?.promise;
  }

  /** True of one that is made again alone. */
  has(call: Call): boolean {
    return this.#suspects.has(call);
  }

  /** A call was answered. */
  answered(call: Call): void {
    if (this.#blame.active && this.#blame.count === 0) this.#blame.settled(call);
  }

  /** Calls are made on this channel from now on, these first. */
  opened(core: ChannelCore): void {
    this.#core = core;
    this.#blame.opened();
    if (this.#trial !== undefined) this.#tryEachAlone(core);
  }

  /**
   * The channel has ended.
   *
   * @param sent What was sent on it and is under way.
   * @param hasOthers There may be calls under way there that were given up.
   * @returns True when the broker closed it for one of all these.
   */
  lost(reason: Error, sent: readonly Call[], hasOthers: boolean): boolean {
    const alone = this.#alone;
    this.#alone = undefined;
    // a channel that was closed by itself was closed for what was sent on it
    const refused = reason instanceof AmqpError && !reason.hard && (sent.length > 0 || hasOthers);
    const culprit = alone ?? (sent.length === 1 && !hasOthers ? sent[0] : undefined);
    if (refused && culprit !== undefined) {
      culprit.reject(reason);
    } else if (!this.#caller.retries) {
      const error = refused
        ? new Error(
          `${CANNOT_TELL}: the broker closed the channel for one of those under way`,
          { cause: reason },
        )
        : new ConnectionLostError(`${CANNOT_TELL}: the connection was lost before its reply`, {
          cause: reason,
        });
      for (const call of sent) call.reject(error);
    } else if (refused) {
      this.#suspect(sent);
    } else {
      this.#connectionClosed(reason, alone, sent);
    }
    return refused;
  }

  /** Nothing is made again. */
  end(): void {
    this.#blame[Symbol.dispose]();
    this.#endTrial();
  }

  #suspect(calls: readonly Call[]): void {
    for (const call of calls) this.#suspects.add(call);
    this.#trial ??= Promise.withResolvers();
  }

  /** A broker may have closed the connection for a call: one that it does so for each time is not made
   * again. */
  #connectionClosed(reason: Error, alone: Call | undefined, sent: readonly Call[]): void {
    // what was tried before in this trial is known to be no culprit, and waits for its reply
    const calls = this.#trial === undefined ? sent : alone?.isUnderWay ? [alone] : [];
    if (alone !== undefined && calls.length === 0) this.#suspects.delete(alone);
    this.#blame.interrupted(calls);
    const connection = this.#core?.connection;
    if (connection === undefined || connection.misunderstood) return;
    if (!(reason instanceof AmqpError) || !mayBeForMessage(reason)) return;
    const culprit = this.#blame.connectionClosed(calls, connection.wasShared);
    if (culprit !== undefined) {
      this.#suspects.delete(culprit);
      culprit.reject(new PoisonMessageError(this.#blame.ends, reason));
    } else if (this.#blame.count > 0) {
      this.#suspect(calls);
    }
  }

  /** Makes the calls again that the broker may have refused, so that it tells which it was. */
  async #tryEachAlone(core: ChannelCore): Promise<void> {
    for (const call of this.#suspects) {
      await core.publishing.whenRoom();
      await this.#blame.whenFree();
      if (!core.isOpen) return; // the next channel goes on
      // one that came back meanwhile is made again in its time
      if (call.isUnderWay && !this.#caller.hasReturned(call)) {
        try {
          if (this.#blame.count > 0) this.#blame.sent(call);
          this.#caller.send(call);
          this.#alone = call;
          // nothing tells that a request was taken, but what comes after it was
          await core.ask(basicQos({ prefetchCount: 0 }), ["basic.qos-ok"]);
        } catch (error) {
          if (!core.isOpen) return;
          call.reject(error);
        }
        this.#alone = undefined;
      }
      this.#suspects.delete(call);
      if (this.#blame.active) this.#blame.settled(call);
    }
    this.#blame.end();
    this.#endTrial();
  }

  #endTrial(): void {
    this.#trial?.resolve();
    this.#trial = undefined;
  }
}

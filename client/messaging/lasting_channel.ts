import type { Clock } from "../../broker/amqp/clock.ts";
import { abortable } from "../abortable.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { ClientEvents } from "../client_events.ts";
import { ClosedError } from "../errors.ts";
import { backOff, resolveRecovery } from "../recovery/recovery_options.ts";
import type { ClientTracing } from "../tracing.ts";
import type { Trials } from "./trials.ts";

/** A channel that lived so long was no part of a row of failures. */
const SETTLED_MS = 10_000;
const PAUSES = resolveRecovery({ initialDelayMs: 100 })!;

const neverLost = () => false;

/** The part of a connection that outlives its connections. */
export interface Home {
  /** Opens a channel that nobody opens again. */
  openCore(): Promise<ChannelCore>;
  /** Resolves when there is a connection, rejects when there will be none. */
  whenConnected(): Promise<void>;
  /** What a queue is called now that may have had another name on a former connection. */
  queueName(queue: string): string;
  /** Resolves when a queue is there that the broker still held for the former connection; undefined when
   * there is nothing to wait for. */
  whenFree(queue: string): Promise<void> | undefined;
  /** A channel is on its way to the next connection, until the result is called. */
  returning(): () => void;
  /** A queue has one more consumer, until the result is called. */
  consuming(queue: string): () => void;
  /** True when there will be none any more. */
  isClosed(): boolean;
  /** True when there is none, and will be. */
  isReconnecting(): boolean;
  /** Tells of the connection that there is now whether it was lost since, and is or was made anew. */
  lossWatch(): () => boolean;
  readonly events: ClientEvents;
  /** Takes an error of the program's code that it may not hear of otherwise. */
  readonly report: (error: unknown) => void;
  readonly clock: Clock;
  /** Who sends what may end the connection. */
  readonly trials: Trials;
  /** Tells a tracer of its messages; undefined: there is none. */
  readonly tracing: ClientTracing | undefined;
}

/** What a {@linkcode LastingChannel} does for its owner. */
export interface Owner {
  /** What it is, for `topology.failed`, such as `consumer of queue jobs`. */
  readonly what: string;
  /** What it can do nothing without, while that is not there. */
  needs?(): Promise<void> | undefined;
  /** Makes a new channel what its owner needs. */
  setUp(channel: ChannelCore): Promise<void>;
  /** It is there, and its owner's. */
  opened(channel: ChannelCore): void;
  /** The channel has ended; another one will come: at once when true, for the next one cannot end for the
   * same thing for ever. */
  lost(reason: Error): boolean;
  /** None will come: with a reason, unless this program has closed it. */
  ended(reason: Error | undefined): void;
}

/**
 * A channel of a publisher, consumer or RPC: when it ends, because its connection was lost or because
 * the broker closed it, another one is opened and set up in the same way.
 */
export class LastingChannel {
  readonly #home: Home;
  readonly #owner: Owner;
  #core: ChannelCore | undefined;
  #closing = false;
  #failures = 0;
  #openedAt = 0;
  #opened: PromiseWithResolvers<ChannelCore> | undefined;
  #reason: Error | undefined;
  /** Tells whether the connection on which it is being opened was lost since. */
  #wasLost = neverLost;
  /** Ends a wait, when there is one: what waited on one promise all the time would be kept by it. */
  #stopWaiting: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor(home: Home, owner: Owner) {
    this.#home = home;
    this.#owner = owner;
  }

  /** Opens the first one. Rejects when the broker refuses it; later ones are tried for again. */
  static async open(home: Home, owner: Owner, signal?: AbortSignal): Promise<LastingChannel> {
    const lasting = new LastingChannel(home, owner);
    try {
      await abortable(lasting.#openFirst(), signal);
      return lasting;
    } catch (error) {
      if (signal?.aborted) lasting.close();
      throw error;
    }
  }

  /** The channel, while there is one. */
  get core(): ChannelCore | undefined {
    return this.#core;
  }

  /** Time, for its owner. */
  get clock(): Clock {
    return this.#home.clock;
  }

  /** Tells a tracer of its owner's messages; undefined: there is none. */
  get tracing(): ClientTracing | undefined {
    return this.#home.tracing;
  }

  /** True when there will be no channel any more. */
  get isClosed(): boolean {
    return this.#closing;
  }

  /** True while the connection is being made anew. */
  get isReconnecting(): boolean {
    return this.#home.isReconnecting();
  }

  /** Calls back when the connection is lost, until the result is called. */
  onLost(callback: () => void): () => void {
    return this.#home.events.on("lost", callback);
  }

  /** Why; undefined when this program closed it. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Resolves when there is a channel, rejects when there will be none. */
  async whenOpen(): Promise<ChannelCore> {
    if (this.#core !== undefined) return this.#core;
    if (this.#closing) throw this.#reason ?? this.#closedError();
    this.#opened ??= Promise.withResolvers();
    return await this.#opened.promise;
  }

  /** Closes it. Its owner has let go of it. */
  async close(): Promise<void> {
    const core = this.#core;
    this.#finish(undefined);
    await core?.close();
    await this.#running;
  }

  /** Opens it when there is what it needs. What tells that all is back waits for it until then. */
  async #openWhenReady(): Promise<void> {
    const back = this.#home.returning();
    this.#wasLost = neverLost;
    try {
      for (;;) {
        await this.#orStop(this.#home.whenConnected());
        const missing = this.#closing ? undefined : this.#owner.needs?.();
        if (missing === undefined) break;
        back();
        await this.#orStop(missing);
      }
      await this.#open();
    } finally {
      back();
    }
  }

  async #openFirst(): Promise<void> {
    for (;;) {
      try {
        return await this.#openWhenReady();
      } catch (error) {
        if (!this.#failedByLoss() || this.#closing) throw error;
      }
    }
  }

  async #open(): Promise<void> {
    await this.#orStop(this.#home.whenConnected());
    if (this.#closing) return;
    this.#wasLost = this.#home.lossWatch();
    const core = await this.#home.openCore();
    core.lasting = true;
    try {
      await this.#owner.setUp(core);
    } catch (error) {
      await core.close();
      throw error;
    }
    if (this.#closing) return await core.close();
    this.#core = core;
    this.#openedAt = this.#home.clock.elapsed();
    core.closed.then((reason) => {
      this.#core = undefined;
      if (!this.#closing) this.#running = this.#again(core, reason);
    });
    this.#opened?.resolve(core);
    this.#opened = undefined;
    this.#owner.opened(core);
  }

  async #again(former: ChannelCore, reason: Error | undefined): Promise<void> {
    // the program has closed the connection
    if (reason === undefined) return this.#finish(undefined);
    const atOnce = this.#owner.lost(reason);
    const { clock, events } = this.#home;
    if (clock.elapsed() - this.#openedAt > SETTLED_MS) this.#failures = 0;
    let failed = !former.replaced && !atOnce;
    for (;;) {
      if (failed && !this.#closing) await this.#pause(backOff(++this.#failures, PAUSES));
      if (this.#closing) return;
      try {
        await this.#openWhenReady();
        if (!former.replaced && !this.#closing) events.emit("channel.recovered", { reason });
        return;
      } catch (error) {
        if (this.#home.isClosed()) {
          former.lasting = false;
          // the program has closed the connection meanwhile
          return this.#finish(error instanceof ClosedError ? undefined : error as Error);
        }
        // which tells so itself
        failed = !this.#failedByLoss();
        if (!failed) continue;
        events.emit("topology.failed", { what: this.#owner.what, error: error as Error });
      }
    }
  }

  /** True when it could not be opened because the connection was lost meanwhile, which has refused nothing. It
   * may be there again: what waited for others to have their turn hears of it late. */
  #failedByLoss(): boolean {
    return this.#home.isReconnecting() || (this.#wasLost() && !this.#home.isClosed());
  }

  /** Lets some time pass, unless the connection has ended for good, or does so meanwhile. */
  async #pause(ms: number): Promise<void> {
    const { clock, events } = this.#home;
    if (this.#home.isClosed()) return;
    const over = Promise.withResolvers<void>();
    const cancel = clock.after(ms, over.resolve);
    const unlisten = events.on("closed", () => over.resolve());
    await this.#orStop(over.promise);
    unlisten();
    cancel();
  }

  /** Waits for something, or until this is closed. */
  async #orStop(promise: Promise<void>): Promise<void> {
    const stopped = this.#closing
      ? Promise.resolve()
      : new Promise<void>((resolve) => this.#stopWaiting = resolve);
    await Promise.race([promise, stopped]);
    this.#stopWaiting = undefined;
  }

  #closedError(): ClosedError {
    return new ClosedError("go on", this.#owner.what, "make another");
  }

  #finish(reason: Error | undefined): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#reason = reason;
    this.#stopWaiting?.();
    if (this.#opened !== undefined) {
      this.#opened.promise.catch(() => {}); // nobody may be waiting
      this.#opened.reject(reason ?? this.#closedError());
    }
    this.#owner.ended(reason);
  }
}

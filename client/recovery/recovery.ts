import { AmqpError } from "../../broker/amqp/error.ts";
import type { Clock } from "../../broker/amqp/clock.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { ClientEvents } from "../client_events.ts";
import type { ConnectionCore } from "../connection_core.ts";
import { ClosedError, ConnectionLostError } from "../errors.ts";
import { checkInteger } from "../fields.ts";
import { ChannelRecord } from "./channel_record.ts";
import { askForHeld, heldMs } from "./held.ts";
import { backOff, type ResolvedRecovery } from "./recovery_options.ts";
import { Restoring } from "./restoring.ts";
import { Returning } from "./returning.ts";
import { Topology } from "./topology.ts";

/** A connection, and the host that it leads to. */
export interface Reached {
  readonly core: ConnectionCore;
  /** As it is called in the address. */
  readonly host: string;
}

/** Reaches one of the hosts; rejects when none answers, or when told to give up. */
export type Reach = (signal: AbortSignal, events: ClientEvents) => Promise<Reached>;

/** What a {@linkcode Recovery} is made of. */
export interface RecoveryParts {
  readonly options: ResolvedRecovery;
  readonly clock: Clock;
  readonly reach: Reach;
  /** True when the next login may have another password. */
  readonly mayChange: boolean;
}

/**
 * What a broker closes a connection for and another one is made: an operator or a stopping broker closed
 * it, or what was sent was not understood, which in a client that checks what it sends is what a damaged
 * stream looks like. What the program asked for and must not have would only be refused again. What this
 * end does not understand is curable whatever it is called: the program has no part in it.
 */
const CURABLE: ReadonlySet<number> = new Set([320, 501, 502, 505, 541]);

/** A password will not get better, unless it is asked for each time. */
const ACCESS_REFUSED = 403;

/**
 * Keeps a connection alive across its connections: makes the next one when one was lost, and brings
 * topology, channels and consumers over. The program sees its channels come back all at once, when all
 * that must be sent on them first was sent. What the broker still holds for the former connection follows.
 *
 * ```text
 *   connected --lost--> reconnecting --restored--> connected
 *       |                 |   ^ |
 *       |                 |   +-+ not reached, or lost again: a longer pause
 *       | close(), or     | close(), refused, or too many attempts
 *       v incurable       v
 *     closed            closed
 * ```
 */
export class Recovery {
  /** Resolves when the end is final, and nothing of the connection is left open. */
  readonly closed: Promise<Error | undefined>;
  /** Is told of each next connection, before its channels go on. */
  onCore: ((core: ConnectionCore) => void) | undefined;
  readonly #options: ResolvedRecovery;
  readonly #clock: Clock;
  readonly #reach: Reach;
  readonly #mayChange: boolean;
  readonly #events: ClientEvents;
  /** What was declared over the connection. */
  readonly topology: Topology = new Topology();
  readonly #records = new Set<ChannelRecord>();
  readonly #stop = new AbortController();
  #core: ConnectionCore;
  #life: "connected" | "reconnecting" | "closed" = "connected";
  #reason: Error | undefined;
  #resolveClosed!: (reason: Error | undefined) => void;
  #connected: PromiseWithResolvers<void> | undefined;
  /** What the next connection ended with, when that cannot be cured by another one. */
  #incurable: Error | undefined;
  #running: Promise<void> | undefined;
  readonly #returning = new Returning();
  /** Asks for what the broker holds for the former connection. */
  #asking: Promise<void> | undefined;

  constructor(core: ConnectionCore, { options, clock, reach, mayChange }: RecoveryParts) {
    this.#core = core;
    this.#options = options;
    this.#clock = clock;
    this.#reach = reach;
    this.#mayChange = mayChange;
    this.#events = core.events;
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
    this.#watch(core);
  }

  /** Why there will be no other connection; undefined as well when the user closed it. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** What the connection is for the program: a channel may be back a little before it is open. */
  get state(): "open" | "reconnecting" | "closed" {
    if (this.#life !== "connected") return this.#life;
    return this.#core.isOpen ? "open" : "closed";
  }

  /** Somebody opens a channel of its own as soon as there is a connection; `recovered` waits until the
   * result is called. */
  returning(): () => void {
    return this.#life === "reconnecting" ? this.#returning.begin() : () => {};
  }

  /** Remembers a channel, so that it is opened again. */
  record(core: ChannelCore): ChannelRecord {
    return new ChannelRecord(core, this.topology, this.#records);
  }

  /** Resolves when there is a connection; rejects when there will be none. */
  async whenConnected(): Promise<void> {
    if (this.#life === "reconnecting") {
      this.#connected ??= Promise.withResolvers();
      await this.#connected.promise;
    }
    if (this.#life === "closed") throw this.#closedError();
  }

  /** Ends it on behalf of the user, who sees to the connection that there may be. */
  stop(): void {
    if (this.#life !== "reconnecting") return;
    this.#finish(undefined);
  }

  #closedError(): Error {
    return this.#reason ??
      new ClosedError("go on", "connection", "make another with connect()");
  }

  #watch(core: ConnectionCore): void {
    core.onLost = (reason) => this.#lost(core, reason);
    core.whenClosed.then((reason) => {
      if (core !== this.#core) return;
      if (core.replaced && this.#life === "reconnecting") {
        this.#running = this.#reconnect(reason!);
      } else this.#finish(core.replaced ? undefined : reason);
    });
  }

  /** Tells whether another connection will be made. */
  #lost({ misunderstood }: ConnectionCore, reason: Error): boolean {
    if (this.#life === "closed") return false;
    if (!misunderstood && reason instanceof AmqpError && !CURABLE.has(reason.replyCode)) {
      this.#incurable = reason;
      return false;
    }
    if (this.#life === "connected") {
      this.#life = "reconnecting";
      this.#events.emit("lost", { reason });
    }
    return true;
  }

  /** Tries until there is a connection on which everything is as it was. Never rejects. */
  async #reconnect(lostBecause: Error): Promise<void> {
    let reason = lostBecause;
    await this.#asking; // it ends with its connection
    const { maxAttempts } = this.#options;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const delayMs = this.#delay(attempt, reason);
      if (delayMs === undefined) return this.#finish(reason);
      this.#events.emit("reconnecting", { attempt, delayMs, reason });
      await this.#pause(delayMs);
      try {
        const { core, host } = await this.#reach(this.#stop.signal, this.#events);
        const maxMs = heldMs(this.#core);
        await this.#moveTo(core);
        if (this.#stop.signal.aborted) return;
        this.#life = "connected";
        this.#connected?.resolve();
        this.#connected = undefined;
        this.#asking = askForHeld(
          {
            core,
            topology: this.topology,
            records: this.#records,
            clock: this.#clock,
            events: this.#events,
          },
          maxMs,
        );
        await this.#returning.whenNone(this.#clock, core.whenClosed);
        if (core.isOpen) this.#events.emit("recovered", { attempts: attempt, host });
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        reason = error as Error;
        const refused = error instanceof AmqpError && error.replyCode === ACCESS_REFUSED &&
          !this.#mayChange;
        if (refused || this.#incurable !== undefined) return this.#finish(reason);
      }
    }
    this.#finish(
      new ConnectionLostError(
        `Connection was lost, and ${maxAttempts} attempts to make it anew failed`,
        {
          cause: reason,
        },
      ),
    );
  }

  /** The pause before an attempt; undefined to make no more. */
  #delay(attempt: number, reason: Error): number | undefined {
    const { delay } = this.#options;
    if (delay === undefined) return backOff(attempt, this.#options);
    try {
      const ms = delay(attempt, reason);
      return ms === undefined ? undefined : checkInteger(ms, 0x7fff_ffff, "delay");
    } catch (error) {
      this.#core.reportError(error);
      return undefined;
    }
  }

  /** Brings everything over to another connection; rejects when that one is lost too. */
  async #moveTo(core: ConnectionCore): Promise<void> {
    core.onLost = (reason) => this.#lost(core, reason);
    const former = this.#core;
    carryHooks(former, core);
    const { signal } = this.#stop;
    const close = () => core.close({ replyText: "Recovery failed" });
    signal.addEventListener("abort", close, { once: true });
    try {
      signal.throwIfAborted();
      const records = await this.#prepare(core);
      // from here to where consumers are asked for, nothing of the program runs: it never meets a channel
      // that is half back
      carryHooks(former, core);
      this.#core = core;
      this.onCore?.(core);
      const ended = records.map((record) => record.adopt());
      await Promise.all([...ended, ...records.map((record) => record.resume())]);
      signal.throwIfAborted();
    } catch (error) {
      this.topology.release();
      await close();
      throw error;
    } finally {
      signal.removeEventListener("abort", close);
    }
    if (!core.isOpen) throw await core.whenClosed;
    this.#watch(core);
  }

  /** Does what can be done before the program sees anything of another connection. Resolves with those that
   * have a channel on it, though their user may have closed them meanwhile. */
  async #prepare(core: ConnectionCore): Promise<ChannelRecord[]> {
    const restoring = new Restoring(core, this.#events);
    await this.topology.restore(restoring);
    for (const record of [...this.#records]) await record.look(restoring);
    await restoring.end();
    const prepared: ChannelRecord[] = [];
    for (;;) {
      const waiting = [...this.#records].filter((record) => record.awaits(core));
      if (waiting.length === 0) break;
      await Promise.all(waiting.map((record) => record.prepare(core)));
      prepared.push(...waiting);
    }
    if (!core.isOpen) throw await core.whenClosed;
    return prepared;
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const over = Promise.withResolvers<void>();
    const cancel = this.#clock.after(ms, over.resolve);
    const end = () => over.resolve();
    signal.addEventListener("abort", end, { once: true });
    await over.promise;
    signal.removeEventListener("abort", end);
    cancel();
  }

  #finish(reason: Error | undefined): void {
    if (this.#life === "closed") return;
    this.#life = "closed";
    this.#reason = reason;
    this.#stop.abort(this.#closedError());
    this.topology.release();
    for (const record of [...this.#records]) record.end(reason);
    if (this.#connected !== undefined) {
      // nobody may be waiting
      this.#connected.promise.catch(() => {});
      this.#connected.reject(this.#closedError());
    }
    this.#events.emit("closed", { reason });
    // the attempt that is under way may have a connection to close
    Promise.all([this.#running, this.#asking]).then(() => this.#resolveClosed(reason));
  }
}

function carryHooks(from: ConnectionCore, to: ConnectionCore): void {
  to.onBlocked = from.onBlocked;
  to.onUnblocked = from.onUnblocked;
  to.onError = from.onError;
}

import type { AmqpError } from "../../broker/amqp/error.ts";
import type { Home } from "./lasting_channel.ts";

/** A message that ended so many connections in a row, being under way alone, is not sent again. */
const ENDS_MAX = 3;
/** So long a suspect that the broker has taken has for its confirm before the next one is sent, and so
 * long a connection is watched without one. */
const SUSPECT_MS = 3000;
/** So long a broker has to take a suspect once that has left this end, and so long others wait for one's
 * trials on one connection, however many suspects there are. */
const TRIALS_MS = 20_000;

/** What a {@linkcode Suspects} uses of a connection. */
export type SuspectsHome = Pick<Home, "trials" | "clock" | "isReconnecting">;

/**
 * Which messages of a publisher, or calls of a client, may be what the broker closes channels or
 * connections for: they are sent again one at a time, until each is settled, or the connection has lived
 * on for so long that it does not end for that one.
 *
 * A channel is closed for what was sent on it, so the first time is enough. A connection is closed for
 * anything that was sent on it, or for a stream that was damaged on its way, so it takes two ends in a
 * row with the same message under way; and then a message is the culprit only when it was under way alone
 * three times in a row, at last with nobody else on the connection sending again.
 *
 * What ends a connection does so when the broker takes it, however long after it was sent: bytes may take
 * their time, and so may the broker. That it has taken a message is told by its answer to what was asked
 * on the same channel after it, and from then on that message is no culprit.
 *
 * Nobody holds back what the program publishes on channels of its own: it may come before acks, or in a
 * transaction. A connection on which there was any ends for the suspect only when the next one lives on
 * without the suspect, and the one after that ends with it again.
 */
export class Suspects<Item extends object> {
  /** How many of the next messages there are. */
  count = 0;
  /** True when somebody must tell of each message that is settled. */
  active = false;
  readonly #home: SuspectsHome;
  /** Sends what can be sent now. */
  readonly #goOn: () => void;
  /** True while what was sent may be here still. */
  readonly #isStuck: () => boolean;
  readonly #unwatch: () => void;
  /** Under way when the latest connection was closed. */
  readonly #doubted = new Set<Item>();
  /** Was under way alone then, and how often in a row. */
  #lone: Item | undefined;
  #ends = 0;
  /** The suspect that is under way. */
  #trying: Item | undefined;
  /** The latest suspect that the broker has taken. */
  #taken: Item | undefined;
  /** Whether a connection lives on without the suspect is found out: it is not sent until then. */
  #withheld: PromiseWithResolvers<void> | undefined;
  /** The connection is there that must live on. */
  #watching = false;
  /** A connection has lived on without this one. */
  #livedWithout: Item | undefined;
  /** Suspects that are under way still, and that this connection does not end for. */
  readonly #acquitted = new Set<Item>();
  /** When the first suspect was sent on this connection, as `Clock.elapsed` counts. */
  #since: number | undefined;
  #cancelTimer: (() => void) | undefined;

  /**
   * @param home Whose connection.
   * @param goOn Sends what can be sent now: called when that may have become more.
   * @param isStuck Tells whether what was sent may be at this end still.
   */
  constructor(home: SuspectsHome, goOn: () => void, isStuck: () => boolean) {
    this.#home = home;
    this.#goOn = goOn;
    this.#isStuck = isStuck;
    this.#unwatch = home.trials.watch(goOn);
  }

  /** True while nothing may be sent: others have their turn, or a suspect is under way. */
  get keptOut(): boolean {
    return this.#trying !== undefined || this.#withheld !== undefined ||
      this.#home.trials.keepsOut(this);
  }

  /** Resolves when suspects may be sent. */
  async whenFree(): Promise<void> {
    await this.#home.trials.whenFree(this);
    await this.#withheld?.promise;
  }

  /** There is a channel to send suspects on. */
  opened(): void {
    if (this.#withheld === undefined) return;
    this.#watching = true;
    this.#arm();
  }

  /** True while this one is the suspect that is under way. */
  isTrying(message: Item): boolean {
    return message === this.#trying;
  }

  /** A suspect was sent. */
  sent(message: Item): void {
    this.#trying = message;
    this.#taken = undefined;
    this.#since ??= this.#home.clock.elapsed();
    this.#arm();
  }

  /** The broker has answered what was asked after this suspect. */
  taken(message: Item): void {
    if (message !== this.#trying) return;
    this.#taken = message;
    this.#arm();
  }

  /** The channel has ended while these were under way. Gives the order in which they are sent again: those
   * last that were acquitted, since whatever is under way beside one of them would never be alone. */
  interrupted(messages: readonly Item[]): Item[] {
    if (this.count > 0) {
      const behind = this.#trying === undefined ? this.count : this.count - 1;
      this.count = behind + messages.length;
    }
    const isLast = (message: Item) => this.#acquitted.has(message);
    const inOrder = this.#acquitted.size === 0
      ? [...messages]
      : [...messages.filter((message) => !isLast(message)), ...messages.filter(isLast)];
    this.#forgetConnection();
    return inOrder;
  }

  /** A channel was closed for one of these, which are sent again next. */
  channelClosed(messages: readonly Item[]): void {
    this.count = Math.max(this.count, messages.length);
    this.active = true;
    this.#arm();
  }

  /**
   * A connection was closed while these were under way.
   *
   * @param isShared There were publishes on it that nobody holds back.
   * @returns The one that it is closed for each time, if that is known; the others, or all, are sent
   * again next.
   */
  connectionClosed(messages: readonly Item[], isShared: boolean): Item | undefined {
    if (messages.length === 0) {
      if (this.#withheld !== undefined) this.#clear();
      return undefined;
    }
    const doubted = messages.filter((message) => message !== this.#taken);
    this.#taken = undefined;
    const alone = messages.length === 1 ? doubted[0] : undefined;
    if (alone === undefined || alone !== this.#lone) {
      this.#ends = 0;
      this.#livedWithout = undefined;
    }
    this.#ends++;
    this.#lone = alone;
    if (alone !== undefined && this.#ends >= ENDS_MAX && this.#home.trials.isHeldBy(this)) {
      if (!isShared || alone === this.#livedWithout) {
        this.settled(alone);
        return alone;
      }
      this.#withheld ??= Promise.withResolvers();
    }
    this.active = true;
    if (doubted.some((message) => this.#doubted.has(message))) {
      this.count = Math.max(this.count, messages.length);
      this.#home.trials.join(this);
      this.#arm();
    }
    this.#doubted.clear();
    for (const message of doubted) this.#doubted.add(message);
    return undefined;
  }

  /** How many connections in a row the latest one that was under way alone has ended. */
  get ends(): number {
    return this.#ends;
  }

  /** A message was settled, whichever way. */
  settled(message: Item): void {
    this.#doubted.delete(message);
    if (message === this.#lone) {
      this.#lone = undefined;
      this.#release();
    }
    if (!this.#acquitted.delete(message)) this.#tried();
    this.#look();
  }

  /** Nothing is sent any more, or nothing again. */
  end(): void {
    this.#forgetConnection();
    this.#clear();
  }

  #clear(): void {
    this.count = 0;
    this.#doubted.clear();
    this.#lone = undefined;
    this.#release();
    this.#look();
  }

  #release(): void {
    this.#withheld?.resolve();
    this.#withheld = undefined;
    this.#watching = false;
  }

  /** Its owner has ended. */
  [Symbol.dispose](): void {
    this.#unwatch();
    this.end();
  }

  #tried(): void {
    this.#trying = undefined;
    if (this.count > 0) this.count--;
  }

  #look(): void {
    const { trials, clock } = this.#home;
    if (this.#since !== undefined && clock.elapsed() - this.#since >= TRIALS_MS) {
      // those that are left go out with the others, and are tried again when that ends the connection
      this.count = 0;
    }
    this.active = this.count > 0 || this.#doubted.size > 0 || this.#acquitted.size > 0;
    if (this.count > 0) return this.#arm();
    this.#disarm();
    this.#since = undefined;
    trials.leave(this);
  }

  #forgetConnection(): void {
    this.#watching = false;
    this.#trying = undefined;
    this.#acquitted.clear();
    this.#since = undefined;
  }

  // ---- a trial has an end

  #arm(): void {
    this.#disarm();
    const isTaken = this.#trying === undefined || this.#trying === this.#taken;
    const ms = isTaken ? SUSPECT_MS : TRIALS_MS;
    this.#cancelTimer = this.#home.clock.after(ms, () => this.#late());
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Nothing has happened for a while. */
  #late(): void {
    const { trials } = this.#home;
    const trying = this.#trying;
    if (trying !== undefined && this.#isStuck()) return this.#arm();
    if (this.#watching) {
      this.#livedWithout = this.#lone;
      this.#release();
    } else if (trying !== undefined) {
      this.#acquitted.add(trying);
      this.#doubted.delete(trying);
      this.#tried();
    } else if (trials.isHeldBy(this) && !this.#home.isReconnecting()) {
      // there is no channel to send them on, or no room: whoever has that may send
      this.#release();
      trials.leave(this);
    }
    this.#look();
    this.#goOn();
  }
}

/** The connection was closed by an operator, or a broker that stops: for no message. */
const CONNECTION_FORCED = 320;

/** True of the end of a connection that may have come of a message. */
export function mayBeForMessage({ hard, replyCode }: AmqpError): boolean {
  return hard && replyCode !== CONNECTION_FORCED;
}

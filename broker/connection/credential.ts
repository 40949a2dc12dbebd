import type { Clock } from "../amqp/clock.ts";
import type { User } from "../auth/authenticator.ts";
import type { Rights } from "../auth/authorization.ts";
import type { RenewalOutcome } from "../auth/login_guard.ts";

/** No timer of the runtime runs longer. */
const TIMER_MAX_MS = 0x7fff_ffff;

/** Who decides about a user while its connection is open. */
export interface Authority {
  /** Looks at a secret in place of the one that it logged in with. */
  renew(user: User, secret: Uint8Array): Promise<RenewalOutcome>;
  /**
   * Tells what it may do where it is.
   *
   * @throws {AmqpError} 530 when it may not be there any more.
   */
  rights(user: User): Rights;
}

/** Watches until when what a client has logged in with counts. */
export class Credential {
  readonly #clock: Clock;
  readonly #onExpired: () => void;
  #stopTimer: (() => void) | undefined;

  /**
   * @param clock Time.
   * @param onExpired It counts no more.
   */
  constructor(clock: Clock, onExpired: () => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** This one counts from now on, in place of the one before. */
  watch({ expiresAt }: Pick<User, "expiresAt">): void {
    this.stop();
    if (expiresAt === undefined || expiresAt === Infinity) return;
    const left = Math.max(0, expiresAt - this.#clock.now());
    this.#stopTimer = left > TIMER_MAX_MS
      ? this.#clock.after(TIMER_MAX_MS, () => this.watch({ expiresAt }))
      : this.#clock.after(left, this.#onExpired);
  }

  /** Watches no more. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }
}

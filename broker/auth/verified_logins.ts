import { builtIn } from "../amqp/built_in.ts";
import type { PasswordHash } from "./password.ts";

/**
 * Remembers the password that each user logged in with last, so that a thousand clients that come back
 * at once do not cost a thousand times what a password hash costs.
 *
 * Neither the password is kept nor anything that can be checked without the key, which is random, of
 * this process, and never leaves it: who could read it could read passwords as they come in. Nothing is
 * remembered of refused ones, and what is remembered goes with the hash that it was verified by.
 */
export class VerifiedLogins {
  #key: Uint8Array | undefined;
  /** By the very object of the hash: another password is another object. */
  readonly #digests = new WeakMap<PasswordHash, Uint8Array>();

  /** True when this password was found to be the right one. */
  has(kept: PasswordHash, password: string): boolean {
    const digest = this.#digests.get(kept);
    return digest !== undefined &&
      builtIn("crypto").timingSafeEqual(digest, this.#digest(password));
  }

  /** This password was found to be the right one. */
  add(kept: PasswordHash, password: string): void {
    this.#digests.set(kept, this.#digest(password));
  }

  #digest(password: string): Uint8Array {
    const key = this.#key ??= crypto.getRandomValues(new Uint8Array(32));
    return builtIn("crypto").createHmac("sha256", key).update(password, "utf8").digest();
  }
}

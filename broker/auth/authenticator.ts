import type { Permissions } from "./permissions.ts";

/** Somebody who has logged in. */
export interface User {
  /** The name that was logged in with. */
  readonly name: string;
  /** What it is, such as `impersonator`. It counts for users that the broker does not know. */
  readonly tags?: readonly string[];
  /**
   * What it may do, by vhost; it may not enter others. It counts for users that the broker does not
   * know: those that it knows may do what `setPermissions` says. Missing: everything, everywhere.
   */
  readonly permissions?: Readonly<Record<string, Permissions>>;
}

/** What a client has shown, and from where. */
export interface LoginAttempt {
  /** The SASL mechanism that the client chose. */
  readonly mechanism: string;
  /** Its response. */
  readonly response: Uint8Array;
  /** The address that it comes from. */
  readonly peerHostname: string;
}

/** Why nobody was let in. */
export interface Refusal {
  /** In words for the log alone. */
  readonly refused: string;
  /** Whom the client said that it is. */
  readonly name?: string;
  /** True when all was right, but for the address. */
  readonly loopbackOnly?: boolean;
}

/** Decides who a client is. */
export interface Authenticator {
  /** The SASL mechanisms that are offered, in RabbitMQ's order. */
  readonly mechanisms: readonly string[];
  /** The user; or why there is none. */
  authenticate(attempt: LoginAttempt): User | Refusal | Promise<User | Refusal>;
}

/** True for an address that only processes of this machine can come from. */
export function isLoopback(hostname: string): boolean {
  return hostname === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/i.test(hostname);
}

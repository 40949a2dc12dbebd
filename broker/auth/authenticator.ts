import type { Access } from "./access.ts";
import type { PeerCertificate } from "./peer_certificate.ts";
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
  /**
   * What it may do in a vhost; undefined where it may not enter. It counts instead of `permissions`,
   * and also for a name that the broker knows: its user of that name is somebody else.
   */
  readonly access?: (vhost: string) => Access | undefined;
  /**
   * When what it has shown expires, in milliseconds since 1970: then its connection is closed, unless
   * `connection.update-secret` brought something newer. Missing: never.
   */
  readonly expiresAt?: number;
}

/** What a client has shown, and from where. */
export interface LoginAttempt {
  /** The SASL mechanism that the client chose. */
  readonly mechanism: string;
  /** Its response. */
  readonly response: Uint8Array;
  /** The address that it comes from. */
  readonly peerHostname: string;
  /** The certificate that it has shown in TLS, verified; undefined: none. */
  readonly certificate?: PeerCertificate | undefined;
  /** Aborted when the client has gone: nobody waits for the outcome any more. It is looked after only when
   * somebody asks for this, who has to wait. Missing: that is not known. */
  readonly gone?: AbortSignal | undefined;
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
  /** The SASL mechanisms that are offered, in RabbitMQ's order. `EXTERNAL` is offered only to clients
   * who have shown a certificate. */
  readonly mechanisms: readonly string[];
  /** The user; or why there is none. */
  authenticate(attempt: LoginAttempt): User | Refusal | Promise<User | Refusal>;
  /**
   * False for what nobody can guess, such as a signed token, and for what was right before and comes from
   * the same address. That is not kept waiting while somebody of that address guesses. It has to be known
   * at once, and is asked once about an attempt, only when it would have to wait. Whoever compares a secret
   * here has to limit how often: who hangs up while he waits has learnt that it was wrong. Missing: all
   * of it may be guessed.
   */
  mayBeGuessed?(attempt: LoginAttempt): boolean;
  /**
   * Decides about what a client shows by `connection.update-secret` in place of what it logged in with:
   * a new token, say. Asked only for users who expire; without it, none is good.
   *
   * @param user Whom `authenticate`, or this, let in.
   * @param secret What it shows now.
   * @returns The same user, by name, with what counts from now on; or why not.
   */
  renew?(user: User, secret: Uint8Array): User | Refusal | Promise<User | Refusal>;
}

/** False for what cannot be the name of a user: a text that is too long, or a token in its place, which
 * no log may show. */
export function isUserName(text: string): boolean {
  return text.length <= 255 && !/^eyJ[\w-]*\./.test(text);
}

/** A user of the broker's own list, whatever else lets users in beside it. */
export class ListedUser implements User {
  /** Its name. */
  readonly name: string;

  /** @param name Its name. */
  constructor(name: string) {
    this.name = name;
  }
}

/** True for an address that only processes of this machine can come from. */
export function isLoopback(hostname: string): boolean {
  return hostname === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/i.test(hostname);
}

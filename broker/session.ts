import type { Connection } from "../client/connection.ts";

/** Somebody who has shown who it is, and what it may do. */
export interface Session {
  /** Its name. */
  readonly user: string;
  /** What it is, such as `administrator`, at this moment. */
  readonly tags: readonly string[];
  /** True when it may enter a vhost. */
  mayEnter(vhost: string): boolean;
  /**
   * Asks for a permission, for what no client could do: looking at messages, moving them.
   *
   * @throws {AmqpError} 403 when it is missing, 530 when the vhost may not be entered.
   */
  require(
    permission: "configure" | "write" | "read",
    vhost: string,
    thing: { readonly queue: string } | { readonly exchange: string },
  ): void;
  /**
   * Connects from this process, as this user.
   *
   * @throws {AmqpError} 530 when it may not enter the vhost, there is none, or there are as many
   * connections as there may be.
   */
  connect(vhost: string): Promise<Connection>;
}

/** What somebody shows to be let in elsewhere than over AMQP. */
export interface LoginOptions {
  /** Who it says that it is. */
  readonly name: string;
  /** Its password, or a token where there are such: then it does not matter what it says that it is. */
  readonly password: string;
  /** The address that it comes from, such as `127.0.0.1`. */
  readonly peerHostname: string;
  /** The port that it comes from. */
  readonly peerPort?: number;
  /** Aborted when nobody waits for the outcome any more. It is asked for only when that would matter. */
  readonly gone?: AbortSignal | undefined;
}

/** What became of a login. */
export type LoginResult = { readonly session: Session } | RefusedLogin;

/** Nobody was let in. */
export interface RefusedLogin {
  /** So long it should take before that is told, in milliseconds, so that guessing takes time. */
  readonly refusedAfterMs: number;
  /** True when all was right, but for the address. */
  readonly loopbackOnly: boolean;
  /** True when nothing was looked at: nobody waited for it any more. */
  readonly gone?: true;
}

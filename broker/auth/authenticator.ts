import { readAmqplainResponse, readPlainResponse } from "../amqp/sasl.ts";

/** Somebody who has logged in. */
export interface User {
  /** The name that was logged in with. */
  readonly name: string;
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

/** Decides who a client is. */
export interface Authenticator {
  /** The SASL mechanisms that are offered, in RabbitMQ's order. */
  readonly mechanisms: readonly string[];
  /** The user; or, in words for the log alone, why there is none. */
  authenticate(attempt: LoginAttempt): User | { readonly refused: string };
}

/**
 * The authenticator of a broker without a list of users: `guest` with the password `guest`, and that
 * from loopback addresses only, as in a new RabbitMQ.
 */
export const guestAuthenticator: Authenticator = {
  mechanisms: ["AMQPLAIN", "PLAIN"],
  authenticate({ mechanism, response, peerHostname }) {
    const read = mechanism === "PLAIN"
      ? readPlainResponse
      : mechanism === "AMQPLAIN"
      ? readAmqplainResponse
      : undefined;
    if (read === undefined) return { refused: `mechanism ${mechanism} is not offered` };
    const login = read(response);
    if (login === undefined) return { refused: "the response is malformed" };
    if (login.username !== "guest" || login.password !== "guest") {
      return { refused: `user '${login.username}': invalid credentials` };
    }
    if (!isLoopback(peerHostname)) {
      return { refused: `user '${login.username}' can only connect via localhost` };
    }
    return { name: login.username };
  },
};

/** True for an address that only processes of this machine can come from. */
export function isLoopback(hostname: string): boolean {
  return hostname === "::1" || /^(::ffff:)?127(\.\d{1,3}){3}$/i.test(hostname);
}

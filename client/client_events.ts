import { atEndOfTurn } from "../broker/amqp/turn.ts";
import { checkFunction, type OptionNames } from "./fields.ts";

/** What happens to a connection, and to what it keeps alive: `Connection.on` tells of it. */
export interface ClientEventMap {
  /** The connection was lost, or ended by the broker in a way that another one may cure. It comes again
   * without a `recovered` in between when the next one is lost before all is back. */
  lost: {
    /** Why. */
    readonly reason: Error;
  };
  /** It will be made anew after a pause: once for each attempt. */
  reconnecting: {
    /** Which attempt this is, from 1. Each tries every host. */
    readonly attempt: number;
    /** How long the pause before it is, in milliseconds. */
    readonly delayMs: number;
    /** Why: what ended the connection, or how the latest attempt failed. */
    readonly reason: Error;
  };
  /** It is there again, and so are its topology, channels, consumers, publishers, RPC clients and servers,
   * but for those that `topology.failed` or `topology.delayed` has told of, and those that the broker has
   * not answered for ten seconds. */
  recovered: {
    /** How many attempts that took. */
    readonly attempts: number;
    /** The host that answered, as it is called in the address. */
    readonly host: string;
  };
  /** A queue whose name the broker chooses, and that was gone, got another one on the new connection.
   * Bindings and consumers follow it. */
  "queue.renamed": {
    /** What it was called. */
    readonly from: string;
    /** What it is called. */
    readonly to: string;
  };
  /** Something that was declared before could not be declared again: it is left out. */
  "topology.failed": {
    /** What, such as `queue jobs`. */
    readonly what: string;
    /** Why not. */
    readonly error: Error;
  };
  /** The broker has not noticed yet that the former connection is gone, and still holds something for it:
   * an exclusive queue, or the place of an exclusive consumer. It is asked for again and again, with what
   * needs it, until `topology.recovered` or `topology.failed` tells what came of it; nothing else waits.
   * When the connection is lost meanwhile, or the program gives it up, nothing more is told of it. */
  "topology.delayed": {
    /** What, such as `queue jobs` or `consumer of queue jobs`. */
    readonly what: string;
    /** Why it is not there. */
    readonly error: Error;
  };
  /** Something that was delayed is there again, with what needs it. */
  "topology.recovered": {
    /** What, as it was told. */
    readonly what: string;
  };
  /** A publisher, consumer or RPC got a new channel, because the broker had closed its old one. */
  "channel.recovered": {
    /** Why the old one was closed. */
    readonly reason: Error;
  };
  /** The broker accepts no messages for now. */
  blocked: {
    /** Why, such as `low on memory`. */
    readonly reason: string;
  };
  /** The broker accepts messages again. */
  unblocked: {
    /** What the broker had blocked them for. */
    readonly reason: string;
  };
  /** The connection has ended for good. */
  closed: {
    /** Why; undefined when this program closed it. */
    readonly reason: Error | undefined;
  };
}

/** The name of an event of a connection. */
export type ClientEventName = keyof ClientEventMap;

const NAMES: OptionNames<ClientEventMap> = {
  "lost": true,
  "reconnecting": true,
  "recovered": true,
  "queue.renamed": true,
  "topology.failed": true,
  "topology.delayed": true,
  "topology.recovered": true,
  "channel.recovered": true,
  "blocked": true,
  "unblocked": true,
  "closed": true,
};
/** What connections of other clients emit. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  error: '; "lost" and "closed" have the reason, and what your callbacks throw goes to `onError`',
  close: ', it is called "closed"',
  disconnect: ', it is called "lost"',
  connect: ', it is called "recovered"; the first connection is there when `connect()` resolves',
};

function checkListener(name: string, listener: unknown): void {
  if (Object.hasOwn(NAMES, name)) return checkFunction(listener, "listener", `listen to ${name}`);
  const instead = Object.hasOwn(ELSEWHERE, name)
    ? ELSEWHERE[name]
    : `, only ${Object.keys(NAMES).join(", ")}`;
  throw new TypeError(`Cannot listen: there is no event "${String(name)}"${instead}`);
}

type Listener = (fields: never) => void;

/** Calls listeners at the end of the turn in which something happened, in order. */
export class ClientEvents {
  /** Takes what a listener throws. */
  onError: (error: unknown) => void = () => {};
  readonly #listeners = new Map<ClientEventName, Set<Listener>>();
  #waiting: (readonly [ClientEventName, unknown])[] = [];

  /** Calls a listener for each event of that name. The result ends that. */
  on<Name extends ClientEventName>(
    name: Name,
    listener: (fields: ClientEventMap[Name]) => void,
  ): () => void {
    checkListener(name, listener);
    // of its own, so that one function may listen twice
    const own = (fields: ClientEventMap[Name]) => listener(fields);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(own));
    return () => void listeners.delete(own);
  }

  /** Something happened. */
  emit<Name extends ClientEventName>(name: Name, fields: ClientEventMap[Name]): void {
    if (this.#listeners.size === 0) return;
    this.#waiting.push([name, fields]);
    if (this.#waiting.length === 1) atEndOfTurn(() => this.#tell());
  }

  #tell(): void {
    const events = this.#waiting;
    this.#waiting = [];
    for (const [name, fields] of events) {
      for (const listener of [...this.#listeners.get(name) ?? []]) {
        try {
          listener(fields as never);
        } catch (error) {
          this.onError(error);
        }
      }
    }
  }
}

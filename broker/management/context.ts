import type { Context, Hono } from "hono";
import type { Turns } from "../auth/turns.ts";
import type { HttpServer } from "../http/listen.ts";
import type { Peer } from "../http/server.ts";
import type { Broker, Clock, Logger, LogLevel, Session } from "../mod.ts";
import type { LoginAttempts } from "./attempts.ts";
import type { Rates } from "./rates.ts";

/** What the program in which a broker lives lets administrators do with it. */
export interface ManagedProgram {
  /**
   * Ends it in an orderly way. It is called when the one who asked has got an answer.
   *
   * @param user Who asked.
   */
  shutDown(user: string): void;
  /** Logs from a level on, in place of the one that it was started with. */
  setLogLevel(level: LogLevel | "none"): void;
  /** Gives the broker what a new one of this program begins with, such as definitions from a file. It is
   * called after a reset. Default: nothing. */
  furnish?(): Promise<void>;
}

/** Answers Prometheus, as `exposeMetrics` does. */
export interface ExposedMetrics {
  /** Answers a request whose path is `/metrics`, or below that. It never rejects. */
  handle(request: Request): Promise<Response>;
}

/** What all parts of the API share. */
export interface Management {
  /** What is managed. */
  readonly broker: Broker;
  /** The name of its node. */
  readonly node: string;
  /** Time. */
  readonly clock: Clock;
  /** Where bugs are logged. */
  readonly logger: Logger;
  /** Where the API is served; none inside somebody else's server. */
  readonly listeners: Set<HttpServer>;
  /** How fast things go. */
  readonly rates: Rates;
  /** How often somebody tried to log in. */
  readonly attempts: LoginAttempts;
  /** What may be done with the program; undefined: nothing. */
  readonly program: ManagedProgram | undefined;
  /** What is measured; undefined: that is not served here. */
  readonly metrics: ExposedMetrics | undefined;
  /** What it runs in. */
  readonly runtime: {
    readonly pid: number;
    readonly processors: number;
    /** How much memory the machine has, in bytes; undefined when nobody may ask. */
    readonly memory: () => number | undefined;
    /** What the process has of V8, in bytes. */
    readonly sizes: () => {
      readonly heapUsed: number;
      readonly heapTotal: number;
      readonly external: number;
    };
  };
}

/** What a request carries through the API. */
export interface Env {
  Bindings: { readonly peer: Peer };
  Variables: {
    session: Session;
    /** What methods its path knows; undefined when there is no such path. */
    allowed?: readonly string[];
    lists: Turns;
    /** Has the request have a large body until it is answered; what to wait for before, if anything. */
    beginLargeBody?: () => Promise<void> | undefined;
  };
}

/** A request, and what it is answered with. */
export type Call = Context<Env>;

/** The API, or a part of it. */
export type Api = Hono<Env>;

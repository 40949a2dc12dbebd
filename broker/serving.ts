import type { Logger } from "./amqp/logger.ts";
import type { Entrance } from "./entrance.ts";
import type { Changes } from "./operator/changes.ts";
import type { ServedConnections, Server } from "./server.ts";
import { forgetTransient } from "./vhost/transient.ts";
import type { VirtualHosts } from "./virtual_hosts.ts";

/** What takes part when a broker lets nobody in for a while. */
export interface ServingOptions {
  /** Where it listens. */
  readonly servers: ReadonlySet<Server>;
  /** What comes through somebody else's HTTP server. */
  readonly mounted: ServedConnections;
  /** Where all of it leads. */
  readonly entrance: Entrance;
  /** What there is. */
  readonly vhosts: VirtualHosts;
  /** How it is changed. */
  readonly changes: Changes;
  /** Where it is told. */
  readonly logger: Logger;
}

/** Whether a broker lets clients in. `Broker` tells what each of it means. */
export class Serving {
  readonly #options: ServingOptions;
  #stopped = false;
  /** One after the other, in the order in which it was asked for. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param options What takes part. */
  constructor(options: ServingOptions) {
    this.#options = options;
  }

  /** True from when it is asked to stop until it has started again. */
  get stopped(): boolean {
    return this.#stopped;
  }

  suspend(): Promise<void> {
    return this.#inTurn(async () => {
      const { servers } = this.#options;
      await Promise.all([...servers].map((server) => server.suspend()));
      this.#log("listeners suspended: nobody can connect");
    });
  }

  resume(): Promise<void> {
    return this.#inTurn(async () => {
      // as long as it is stopped, it is started instead
      if (this.#stopped) return;
      await this.#resumeAll();
      this.#log("listeners resumed: clients can connect");
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#stopped) return;
      this.#stopped = true;
      const { servers, mounted, entrance, vhosts, changes } = this.#options;
      await Promise.all([...servers].map((server) => server.stop()));
      await mounted.close();
      await entrance.stop();
      await changes.make(async () => {
        for (const vhost of vhosts) await forgetTransient(vhost);
      });
      this.#log("stopped serving: all connections are closed, and nobody can connect");
    });
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#stopped) return;
      const { mounted, entrance } = this.#options;
      // before anybody can come
      entrance.start();
      mounted.reopen();
      this.#stopped = false;
      await this.#resumeAll();
      this.#log("serving again: clients can connect");
    });
  }

  /**
   * Does something that nobody may be there for.
   *
   * @throws {TypeError} When it serves.
   */
  whileStopped(what: string, action: () => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#stopped) throw new TypeError(`Cannot ${what}: broker is not stopped`);
      await action();
    });
  }

  #log(text: string): void {
    this.#options.logger.log("warning", text);
  }

  /** What cannot be listened on again does not keep the others from it, and may be tried again. */
  async #resumeAll(): Promise<void> {
    const { servers } = this.#options;
    const results = await Promise.allSettled([...servers].map((server) => server.resume()));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => {});
    return done;
  }
}

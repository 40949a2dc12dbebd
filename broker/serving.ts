import type { Logger } from "./amqp/logger.ts";
import type { Entrance } from "./entrance.ts";
import type { Listeners } from "./listeners.ts";
import type { Changes } from "./operator/changes.ts";
import { forgetTransient } from "./vhost/transient.ts";
import type { VirtualHosts } from "./virtual_hosts.ts";

/** What takes part when a broker lets nobody in for a while. */
export interface ServingOptions {
  /** Where clients reach it. */
  readonly listeners: Listeners;
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
  /** One after the other, in the order in which it was asked for. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param options What takes part. */
  constructor(options: ServingOptions) {
    this.#options = options;
  }

  suspend(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#options.listeners.suspend();
      this.#log("listeners suspended: nobody can connect");
    });
  }

  resume(): Promise<void> {
    return this.#inTurn(async () => {
      const { listeners } = this.#options;
      // as long as it is stopped, it is started instead
      if (listeners.stopped) return;
      await listeners.resume();
      this.#log("listeners resumed: clients can connect");
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const { listeners, entrance, vhosts, changes } = this.#options;
      if (listeners.stopped) return;
      await listeners.stop();
      await entrance.stop();
      await changes.make(async () => {
        for (const vhost of vhosts) await forgetTransient(vhost);
      });
      this.#log("stopped serving: all connections are closed, and nobody can connect");
    });
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      const { listeners, entrance } = this.#options;
      if (!listeners.stopped) return;
      // before anybody can come
      entrance.start();
      await listeners.start();
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
      if (!this.#options.listeners.stopped) {
        throw new TypeError(`Cannot ${what}: broker is not stopped`);
      }
      await action();
    });
  }

  #log(text: string): void {
    this.#options.logger.log("warning", text);
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => {});
    return done;
  }
}

import type { ChannelCore } from "../channel_core.ts";
import type { ClientEvents } from "../client_events.ts";
import type { ConnectionCore } from "../connection_core.ts";

/** Asks the broker for something over a channel. */
export type Ask = (channel: ChannelCore) => Promise<void>;

/** One run of declarations over a channel of its own, which the broker closes when it refuses one. */
export class Restoring {
  readonly events: ClientEvents;
  readonly #connection: ConnectionCore;
  #channel: ChannelCore | undefined;

  /**
   * @param connection That is brought to what the former one was.
   * @param events Is told of what is refused.
   */
  constructor(connection: ConnectionCore, events: ClientEvents) {
    this.#connection = connection;
    this.events = events;
  }

  /** Resolves with what the broker refuses it with. Rejects when the connection ends: that ends the whole
   * run. */
  async attempt(ask: Ask): Promise<Error | undefined> {
    try {
      this.#channel ??= await this.#connection.openChannel();
      await ask(this.#channel);
      return undefined;
    } catch (error) {
      if (!this.#connection.isOpen) throw error;
      // what cannot be sent at all, since the frames of this connection are smaller, closes nothing
      if (!this.#channel?.isOpen) this.#channel = undefined;
      return error as Error;
    }
  }

  /** What the broker refuses is told of, and left out. */
  async step(what: string, ask: Ask): Promise<void> {
    const error = await this.attempt(ask);
    if (error !== undefined) this.events.emit("topology.failed", { what, error });
  }

  /** Closes its channel. */
  async end(): Promise<void> {
    await this.#channel?.close();
  }
}

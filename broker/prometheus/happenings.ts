import type { Broker, BrokerEventName } from "../mod.ts";

const COUNTED = [
  "connection.created",
  "connection.closed",
  "channel.created",
  "channel.closed",
  "queue.created",
  "queue.deleted",
  "user.authentication.success",
  "user.authentication.failure",
] as const satisfies readonly BrokerEventName[];

/** An event that is counted. */
export type Happening = typeof COUNTED[number];

/**
 * Counts what happens in a broker. Clients that are there when that begins count as having come, so that
 * who came less who went is who is there; queues that were there at the start are not created, as in
 * RabbitMQ.
 */
export class Happenings implements Disposable {
  readonly #counts: Record<Happening, number>;
  readonly #broker: Broker;
  readonly #declarationsBefore: number;
  readonly #stops: readonly (() => void)[];

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#declarationsBefore = broker.queueDeclarations;
    this.#counts = {
      "connection.created": broker.count("connection"),
      "connection.closed": 0,
      "channel.created": broker.count("channel"),
      "channel.closed": 0,
      "queue.created": 0,
      "queue.deleted": 0,
      "user.authentication.success": 0,
      "user.authentication.failure": 0,
    };
    this.#stops = COUNTED.map((name) => broker.on(name, () => void this.#counts[name]++));
  }

  /** How often something has happened. */
  of(name: Happening): number {
    return this.#counts[name];
  }

  /** How often queues were declared, also those that there were already. */
  get queueDeclarations(): number {
    return this.#broker.queueDeclarations - this.#declarationsBefore;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
  }
}

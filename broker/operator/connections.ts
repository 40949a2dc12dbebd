import { AmqpError } from "../amqp/error.ts";
import type { BrokerConnection } from "../connection/connection.ts";
import { DefinitionError } from "../policy/error.ts";

/** What operators do with connections. `Broker` tells what each of it means. */
export class ConnectionOperations {
  readonly #connections: ReadonlySet<BrokerConnection>;

  /** @param connections Those that have entered. */
  constructor(connections: ReadonlySet<BrokerConnection>) {
    this.#connections = connections;
  }

  async close(name: string, reason: string): Promise<void> {
    for (const connection of this.#connections) {
      if (connection.name !== name) continue;
      connection.close(new AmqpError(320, reason));
      return await connection.closedPromise;
    }
    throw new DefinitionError("not-found", `no connection '${name}'`);
  }

  closeChannel(name: string, reason: string): void {
    const [, connectionName, number] = /^(.*) \((\d+)\)$/s.exec(name) ?? [];
    for (const connection of this.#connections) {
      if (connection.name !== connectionName || !connection.channels.has(Number(number))) continue;
      return connection.closeChannel(Number(number), new AmqpError(406, reason));
    }
    throw new DefinitionError("not-found", `no channel '${name}'`);
  }
}

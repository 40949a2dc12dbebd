import { AmqpError } from "../amqp/error.ts";
import type { Steps } from "../amqp/long_work.ts";
import { normaliseTable } from "../amqp/field_table.ts";
import { fitsShortString } from "../amqp/field_value.ts";
import type {
  BindingOptions,
  DeclareExchangeOptions,
  DeclareQueueOptions,
  DeleteExchangeOptions,
  DeleteQueueOptions,
} from "../operator_options.ts";
import { DefinitionError } from "../policy/error.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { VirtualHost } from "../vhost/vhost.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";

/** What operators do with exchanges, queues and bindings. `Broker` tells what each of it means. */
export class TopologyOperations {
  readonly #vhosts: VirtualHosts;
  readonly #changes: Changes;
  /** Whose exclusive queues it could make: nobody's. */
  readonly #owner = {};

  /**
   * @param vhosts Where they are.
   * @param changes How they are changed.
   */
  constructor(vhosts: VirtualHosts, changes: Changes) {
    this.#vhosts = vhosts;
    this.#changes = changes;
  }

  declareExchange(options: DeclareExchangeOptions): Promise<void> {
    return this.#changes.make(() => {
      const { exchange, type, durable = true, autoDelete = false, internal = false } = options;
      const { vhost = "/", arguments: arguments_ = {} } = options;
      checkNames({ exchange, type });
      this.#vhosts.get(vhost).declareExchange(exchange, {
        type,
        passive: false,
        durable,
        autoDelete,
        internal,
        arguments: normaliseTable(arguments_),
      });
    });
  }

  deleteExchange(
    { exchange, vhost = "/", ifUnused = false }: DeleteExchangeOptions,
  ): Promise<void> {
    return this.#changes.make(async () => {
      const found = this.#vhosts.get(vhost);
      if (found.exchanges.get(exchange) === undefined) throw missing("exchange", exchange, vhost);
      const steps = found.beginDeletingExchange(exchange, { ifUnused });
      if (steps !== undefined) await this.#inSlices(found, steps);
    });
  }

  /** Does what takes more than one turn should. */
  #inSlices(vhost: VirtualHost, steps: Steps): Promise<void> {
    return new Promise((resolve, reject) =>
      vhost.inBackground(steps, (error) => error === undefined ? resolve() : reject(error))
    );
  }

  declareQueue(options: DeclareQueueOptions): Promise<string> {
    return this.#changes.make(() => {
      const { queue, vhost = "/", durable = true, autoDelete = false } = options;
      checkNames({ queue });
      return this.#vhosts.get(vhost).declareQueue(queue, {
        passive: false,
        durable,
        exclusive: false,
        autoDelete,
        arguments: normaliseTable(options.arguments ?? {}),
      }, this.#owner).name;
    });
  }

  deleteQueue(options: DeleteQueueOptions): Promise<number> {
    return this.#changes.make(async () => {
      const { queue: name, vhost = "/", ifUnused = false, ifEmpty = false } = options;
      const found = this.#vhosts.get(vhost);
      const queue = queueOf(found, name);
      const owner = queue.owner ?? this.#owner;
      const deleting = found.beginDeletingQueue(name, { ifUnused, ifEmpty }, owner);
      if (typeof deleting !== "number") await this.#inSlices(found, deleting.steps);
      const count = typeof deleting === "number" ? deleting : deleting.dropped;
      if (queue.purging) await new Promise<void>((resolve) => queue.whenPurged(resolve));
      return count;
    });
  }

  bind(options: BindingOptions): Promise<void> {
    return this.#changes.make(async () => {
      const { source, destination, destinationType = "queue", routingKey = "" } = options;
      const { vhost = "/", arguments: arguments_ = {} } = options;
      checkNames({ routingKey });
      const found = this.#vhosts.get(vhost);
      const fields = {
        source,
        destination,
        routingKey,
        arguments: normaliseTable(arguments_),
      };
      if (source !== "" && found.exchanges.get(source) === undefined) {
        throw missing("exchange", source, vhost);
      }
      let steps: Steps | undefined;
      if (destinationType === "queue") {
        const owner = queueOf(found, destination).owner ?? this.#owner;
        steps = found.beginBindingQueue(fields, owner);
      } else if (destination !== "" && found.exchanges.get(destination) === undefined) {
        throw missing("exchange", destination, vhost);
      } else steps = found.beginBindingExchange(fields);
      if (steps !== undefined) await this.#inSlices(found, steps);
    });
  }

  unbind(options: BindingOptions): Promise<void> {
    return this.#changes.make(() => {
      const { source, destination, destinationType = "queue", routingKey = "" } = options;
      const { vhost = "/", arguments: arguments_ = {} } = options;
      const found = this.#vhosts.get(vhost);
      const fields = {
        source,
        destination,
        routingKey,
        arguments: normaliseTable(arguments_),
      };
      const end = destinationType === "queue"
        ? found.queues.get(destination)
        : found.exchanges.get(destination);
      const before = end === undefined ? 0 : found.bindingsTo(end)?.size ?? 0;
      if (destinationType === "exchange") found.unbindExchange(fields);
      else found.unbindQueue(fields, (end as MessageQueue | undefined)?.owner ?? this.#owner);
      const after = end === undefined ? 0 : found.bindingsTo(end)?.size ?? 0;
      if (after < before) return;
      throw new DefinitionError(
        "not-found",
        `no binding '${routingKey}' from exchange '${source}' to ${destinationType} ` +
          `'${destination}' in vhost '${vhost}'`,
      );
    });
  }
}

function queueOf(vhost: VirtualHost, name: string): MessageQueue {
  const queue = vhost.queues.get(name);
  if (queue === undefined) throw missing("queue", name, vhost.name);
  return queue;
}

function missing(kind: "queue" | "exchange", name: string, vhost: string): DefinitionError {
  return new DefinitionError("not-found", `no ${kind} '${name}' in vhost '${vhost}'`);
}

/** Refuses what AMQP could not say: a client would never get to such a thing. */
function checkNames(names: Readonly<Record<string, string>>): void {
  for (const [what, name] of Object.entries(names)) {
    if (typeof name !== "string") throw new TypeError(`Cannot declare or bind: ${what} is no text`);
    if (!fitsShortString(name)) throw new AmqpError(406, `${what} is longer than 255 bytes`);
  }
}

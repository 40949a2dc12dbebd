import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import type { BrokerEvents, ParameterEvent } from "../events.ts";

/**
 * What is told of the parameters of a vhost, in RabbitMQ's words and order. Policies and limits are
 * parameters too; only a user's policy is not called one.
 */
export class ParameterEvents {
  readonly #events: BrokerEvents;

  /** @param events Who is told. */
  constructor(events: BrokerEvents) {
    this.#events = events;
  }

  /**
   * A parameter was set.
   *
   * @param former What it said before: of one that says the same, nothing is told.
   */
  set(
    parameter: { readonly vhost: string } & ParameterEvent & { readonly value: FieldValue },
    former: FieldValue | undefined,
  ): void {
    const { vhost, component, name, value } = parameter;
    if (JSON.stringify(value) === JSON.stringify(former)) return;
    if (component !== "policy") this.#events.emit("parameter.set", parameter);
    const fields = value as FieldTable;
    switch (component) {
      case "policy":
      case "operator_policy":
        return this.#events.emit("policy.set", {
          name,
          vhost,
          pattern: fields["pattern"] as string,
          applyTo: fields["apply-to"] as string,
          priority: fields["priority"] as number,
          definition: fields["definition"] as FieldTable,
          operator: component === "operator_policy",
        });
      case "vhost-limits": {
        const { "max-connections": maxConnections, "max-queues": maxQueues } = fields;
        return this.#events.emit("vhost.limits.set", {
          name,
          vhost,
          ...maxConnections === undefined ? {} : { maxConnections: maxConnections as number },
          ...maxQueues === undefined ? {} : { maxQueues: maxQueues as number },
        });
      }
    }
  }

  /** A parameter is gone. */
  cleared(parameter: { readonly vhost: string } & ParameterEvent): void {
    const { vhost, component, name } = parameter;
    if (component !== "policy") this.#events.emit("parameter.cleared", parameter);
    switch (component) {
      case "policy":
        return this.#events.emit("policy.cleared", { name, vhost });
      case "operator_policy":
        return this.#events.emit("operator.policy.cleared", { name, vhost });
      case "vhost-limits":
        return this.#events.emit("vhost.limits.cleared", { name, vhost });
    }
  }
}

import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import type { BindingFields } from "./binding.ts";
import { Bucket } from "./bucket.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";

/** Where a federated message has been, one table for each broker, the last one first. */
const RECEIVED_FROM = "x-received-from";

/**
 * `x-federation-upstream`: what a RabbitMQ declares here that federates an exchange with this broker. Matches
 * every message but those that have gone from broker to broker too often, or come from the RabbitMQ that
 * asks for them: those would go round for ever. RabbitMQ,
 * `rabbit_federation_upstream_exchange.erl`.
 */
export class FederationUpstreamTable implements RoutingTable {
  readonly cacheable = false;
  readonly #all = new Bucket();
  readonly #hopsMax: number;
  readonly #cluster: FieldValue | undefined;
  readonly #vhost: FieldValue | undefined;

  /**
   * @param arguments_ `x-max-hops` says how many brokers a message may have come from; `x-downstream-name` and
   * `x-downstream-vhost` say which cluster asks, and for which of its vhosts.
   */
  constructor(arguments_: FieldTable = {}) {
    const hopsMax = arguments_["x-max-hops"];
    const isNumber = typeof hopsMax === "number" || typeof hopsMax === "bigint";
    this.#hopsMax = isNumber ? Number(hopsMax) : Infinity;
    this.#cluster = arguments_["x-downstream-name"];
    this.#vhost = arguments_["x-downstream-vhost"];
  }

  /** True when nothing is bound. */
  get empty(): boolean {
    return this.#all.empty;
  }

  add(binding: BindingFields): void {
    this.#all.add(binding);
  }

  remove(binding: BindingFields): void {
    this.#all.remove(binding);
  }

  route(_routingKey: string, message: RoutedMessage, into: Matches): void {
    const from = message.headers()?.[RECEIVED_FROM];
    if (Array.isArray(from) && !this.#mayGoOn(from)) return;
    into.addAll(this.#all.destinations);
  }

  #mayGoOn(from: readonly FieldValue[]): boolean {
    return from.length < this.#hopsMax && !from.some((hop) => this.#isFromThere(hop));
  }

  #isFromThere(hop: FieldValue): boolean {
    if (typeof hop !== "object" || hop === null) return false;
    const { "cluster-name": cluster, vhost } = hop as FieldTable;
    return cluster !== undefined && cluster === this.#cluster && vhost === this.#vhost;
  }
}

import type { FieldTable } from "./amqp/field_table.ts";
import { SERVER_CAPABILITIES } from "./connection/capabilities.ts";
import { WARREN_VERSION } from "./version.ts";

/** What the broker tells clients about itself; keys and order are RabbitMQ's. Some clients go by the
 * product's name and version, so both are RabbitMQ's too: the behaviour that they stand for is ours. */
export function serverProperties(version: string, clusterName: string): FieldTable {
  return {
    capabilities: SERVER_CAPABILITIES,
    cluster_name: clusterName,
    copyright: "Copyright (c) 2026 the Warren authors",
    information: "Licensed under the MIT License",
    platform: "Deno",
    product: "RabbitMQ",
    version,
    warren_version: WARREN_VERSION,
  };
}

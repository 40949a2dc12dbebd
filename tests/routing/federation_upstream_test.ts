import { assertEquals } from "@std/assert";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { FederationUpstreamTable } from "../../broker/routing/federation_upstream.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { testRoutingTable } from "./routing_table_contract.ts";
import { asRouted } from "./support.ts";

const ARGUMENTS = {
  "x-max-hops": 2,
  "x-downstream-name": "rabbit@b",
  "x-downstream-vhost": "/",
  "x-internal-purpose": "federation",
};

testRoutingTable({
  name: "FederationUpstreamTable",
  create: () => new FederationUpstreamTable(ARGUMENTS),
  matching: [{ routingKey: "a", arguments: {} }, { routingKey: "b", arguments: {} }],
  message: { routingKey: "any" },
});

function isForwarded(headers: FieldTable, arguments_: FieldTable = ARGUMENTS): boolean {
  const table = new FederationUpstreamTable(arguments_);
  const destination = { kind: "queue", name: "link" } as const;
  table.add({ destination, routingKey: "", arguments: {} });
  let found = 0;
  const into = { add: () => found++, addAll: (all: readonly unknown[]) => found += all.length };
  table.route("any", asRouted({ headers }), into);
  return found > 0;
}

Deno.test("FederationUpstreamTable stops what has come through too many brokers", () => {
  const hop = { "cluster-name": "rabbit@c", vhost: "/" };
  assertEquals(isForwarded({}), true);
  assertEquals(isForwarded({ "x-received-from": [hop] }), true);
  assertEquals(isForwarded({ "x-received-from": [hop, hop] }), false);
  assertEquals(isForwarded({ "x-received-from": [hop, hop] }, {}), true);
});

Deno.test("FederationUpstreamTable sends nothing back to where it came from", () => {
  const from = (cluster: string, vhost: string) => ({
    "x-received-from": [{ "cluster-name": cluster, vhost, exchange: "news" }],
  });
  assertEquals(isForwarded(from("rabbit@b", "/")), false);
  assertEquals(isForwarded(from("rabbit@b", "other")), true);
  assertEquals(isForwarded(from("rabbit@c", "/")), true);
});

Deno.test("FederationUpstreamTable takes a header that is none of RabbitMQ's for none", () => {
  for (const value of ["text", 1, null, ["text"], [null], [[]], [{}], { "cluster-name": "x" }]) {
    assertEquals(isForwarded({ "x-received-from": value }), true, JSON.stringify(value));
  }
});

Deno.test("The type that other brokers declare is there, and not listed", () => {
  const types = new ExchangeTypes();
  assertEquals(types.get("x-federation-upstream")?.name, "x-federation-upstream");
  assertEquals(types.names().includes("x-federation-upstream"), false);
});

import { assertEquals } from "@std/assert";
import * as api from "../mod.ts";

/**
 * Everything that programs may import from `mod.ts`, types apart. A name added here is a promise; a
 * name taken away breaks somebody's program and belongs into CHANGELOG.md.
 */
const NAMES: readonly string[] = [
  "AmqpError",
  "Broker",
  "Channel",
  "Connection",
  "ConnectionLostError",
  "Consumer",
  "Decimal",
  "DefinitionError",
  "Delivery",
  "Double",
  "IterableConsumer",
  "PublishNackedError",
  "ReceivedMessage",
  "ReturnedMessage",
  "connect",
  "parseUri",
];

/** The types and interfaces, for which the same holds. */
const TYPES: readonly string[] = [
  "AckOptions",
  "AppliedPolicy",
  "Authenticator",
  "BasicProperties",
  "BindingEvent",
  "BindingFields",
  "BindingFilter",
  "BindingInfo",
  "BindingOptions",
  "BrokerEventMap",
  "BrokerEventName",
  "BrokerOptions",
  "BrokerServer",
  "BrokerSnapshot",
  "BrowseOptions",
  "ChannelEvent",
  "ChannelInfo",
  "Clock",
  "CloseReason",
  "ConnectOptions",
  "ConnectionEvent",
  "ConnectionFilter",
  "ConnectionInfo",
  "ConsumeOptions",
  "ConsumerEvent",
  "ConsumerFilter",
  "ConsumerInfo",
  "ConsumerState",
  "DeclareExchangeOptions",
  "DeclareQueueOptions",
  "DeclaredQueue",
  "DefinitionErrorCode",
  "DelayedMessage",
  "DeleteExchangeOptions",
  "DeleteQueueOptions",
  "DeliveryCallback",
  "Destination",
  "DiscardedMessages",
  "ExchangeBindOptions",
  "ExchangeCreatedEvent",
  "ExchangeDeclareOptions",
  "ExchangeDeleteOptions",
  "ExchangeFilter",
  "ExchangeInfo",
  "ExchangeType",
  "FieldTable",
  "FieldValue",
  "GetOptions",
  "InExchange",
  "InQueue",
  "InVhost",
  "JsonObject",
  "JsonValue",
  "ListenOptions",
  "ListenerInfo",
  "LocalConnectOptions",
  "LogLevel",
  "Logger",
  "LoginAttempt",
  "Matches",
  "MoveAddress",
  "NackOptions",
  "NamedEvent",
  "PageOptions",
  "Parameter",
  "ParameterEvent",
  "ParameterOptions",
  "ParameterSetEvent",
  "Policy",
  "PolicyHolder",
  "PolicyOptions",
  "PolicySetEvent",
  "PolicyTarget",
  "ProxyProtocolOptions",
  "PublishOptions",
  "QosOptions",
  "QueueBindOptions",
  "QueueCreatedEvent",
  "QueueDeclareOptions",
  "QueueDeleteOptions",
  "QueueFilter",
  "QueueInfo",
  "QueuedMessage",
  "RejectOptions",
  "RequestInfo",
  "ReturnCallback",
  "RoutedMessage",
  "RoutingDelay",
  "RoutingHistory",
  "RoutingTable",
  "ServeWebSocketOptions",
  "SnapshotOptions",
  "SnapshotPart",
  "SnapshotParts",
  "SyncMode",
  "User",
  "Vhost",
  "VhostEvent",
  "VhostInfo",
  "VhostLimits",
  "VhostLimitsEvent",
  "VhostMetadata",
  "VhostOptions",
];

/** The part of `deno doc --json` that is looked at. */
interface Documentation {
  readonly nodes: Readonly<
    Record<string, { readonly symbols: readonly { readonly name: string }[] }>
  >;
}

Deno.test("mod.ts exports exactly what it promises", () => {
  assertEquals(Object.keys(api).sort(), [...NAMES].sort());
});

Deno.test("mod.ts exports exactly the types that it promises", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", "mod.ts"],
    cwd: new URL("../", import.meta.url),
    stdin: "null",
  }).output();
  const { nodes }: Documentation = JSON.parse(new TextDecoder().decode(stdout));
  const names = Object.values(nodes).flatMap(({ symbols }) => symbols.map(({ name }) => name));
  assertEquals(names.sort(), [...NAMES, ...TYPES].sort());
});

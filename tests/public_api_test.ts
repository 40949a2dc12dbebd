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
  "AuthenticationEvent",
  "Authenticator",
  "BasicProperties",
  "BindingEvent",
  "BindingFields",
  "BrokerEventMap",
  "BrokerEventName",
  "BrokerOptions",
  "BrokerServer",
  "BrowseOptions",
  "ChannelEvent",
  "Clock",
  "CloseReason",
  "ConnectOptions",
  "ConnectionEvent",
  "ConsumeOptions",
  "ConsumerEvent",
  "ConsumerState",
  "DeclaredQueue",
  "DefaultUser",
  "DefinitionErrorCode",
  "DelayedMessage",
  "DeliveryCallback",
  "Destination",
  "DiscardedMessages",
  "ExchangeBindOptions",
  "ExchangeCreatedEvent",
  "ExchangeDeclareOptions",
  "ExchangeDeleteOptions",
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
  "LocalConnectOptions",
  "LogLevel",
  "Logger",
  "LoginAttempt",
  "Matches",
  "MoveAddress",
  "NackOptions",
  "NamedEvent",
  "OfUser",
  "PageOptions",
  "Parameter",
  "ParameterOptions",
  "PasswordHashing",
  "PermissionCreatedEvent",
  "PermissionEvent",
  "PermissionOptions",
  "Permissions",
  "Policy",
  "PolicyHolder",
  "PolicyOptions",
  "PolicyTarget",
  "ProxyProtocolOptions",
  "PublishOptions",
  "QosOptions",
  "QueueBindOptions",
  "QueueCreatedEvent",
  "QueueDeclareOptions",
  "QueueDeleteOptions",
  "QueuedMessage",
  "Refusal",
  "RejectOptions",
  "RequestInfo",
  "ReturnCallback",
  "RoutedMessage",
  "RoutingDelay",
  "RoutingHistory",
  "RoutingTable",
  "ServeWebSocketOptions",
  "SyncMode",
  "TopicPermissionCreatedEvent",
  "TopicPermissionDeletedEvent",
  "TopicPermissionOptions",
  "TopicPermissions",
  "User",
  "UserEvent",
  "UserInfo",
  "UserLimits",
  "UserLimitsEvent",
  "UserOptions",
  "UserPermissions",
  "UserTagsEvent",
  "Vhost",
  "VhostLimits",
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

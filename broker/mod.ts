/**
 * The broker's public API.
 *
 * @module
 */
export { Broker, type LocalConnectOptions } from "./broker.ts";
export type { BrokerServer } from "./server.ts";
export {
  type DefinedThings,
  DefinitionSection,
  type DefinitionSections,
  inOrderOfDefinitions,
  type PendingDefinition,
} from "./definition_sections.ts";
export type { Alarm, AlarmSource } from "./alarms.ts";
export type {
  AlarmEvent,
  AuthenticationEvent,
  BindingEvent,
  BrokerEventMap,
  BrokerEventName,
  ChannelEvent,
  ConnectionCreatedEvent,
  ConnectionEvent,
  ConsumerEvent,
  ExchangeCreatedEvent,
  NamedEvent,
  ParameterEvent,
  ParameterSetEvent,
  PermissionCreatedEvent,
  PermissionEvent,
  PolicySetEvent,
  QueueCreatedEvent,
  TopicPermissionCreatedEvent,
  TopicPermissionDeletedEvent,
  UserEvent,
  UserLimitsEvent,
  UserTagsEvent,
  VhostEvent,
  VhostLimitsEvent,
} from "./events.ts";
export type {
  BindingFilter,
  BindingInfo,
  BrokerSnapshot,
  CertificateInfo,
  ChannelInfo,
  ConnectionFilter,
  ConnectionInfo,
  ConsumerFilter,
  ConsumerInfo,
  CountFilter,
  DeathInfo,
  ExchangeFilter,
  ExchangeInfo,
  ListenerInfo,
  MessageSizesInfo,
  Meter,
  MeterKind,
  NodeInfo,
  QueueFilter,
  QueueInfo,
  SnapshotOptions,
  SnapshotPart,
  SnapshotParts,
  VhostInfo,
} from "./operator_info.ts";
export type {
  BindingOptions,
  DeclareExchangeOptions,
  DeclareQueueOptions,
  DeleteExchangeOptions,
  DeleteQueueOptions,
  ImportDefinitionsOptions,
  InExchange,
  InQueue,
  InVhost,
  OfUser,
  PageOptions,
  ParameterOptions,
  PolicyHolder,
  UserOptions,
  Vhost,
  VhostOptions,
} from "./operator_options.ts";
export type { LoginOptions, LoginResult, RefusedLogin, Session } from "./session.ts";
export { DefinitionError, type DefinitionErrorCode } from "./policy/error.ts";
export type { JsonObject, JsonValue } from "./policy/json.ts";
export type { VhostLimits } from "./policy/limits.ts";
export type { AppliedPolicy } from "./policy/policies.ts";
export type { Policy, PolicyOptions, PolicyTarget } from "./policy/policy.ts";
export type { DelayedMessage } from "./vhost/delay_line.ts";
export type { MoveAddress } from "./vhost/publishing.ts";
export type { BrowseOptions, QueuedMessage } from "./queue/browsing.ts";
export type { VhostMetadata } from "./vhost/metadata.ts";
export type { Parameter } from "./vhost/settings.ts";
export type { BrokerOptions, DefaultUser } from "./options.ts";
export type { ProfileName } from "./profiles.ts";
export type { ListenOptions } from "./net/listener.ts";
export type { ProxyProtocolOptions } from "./net/proxied.ts";
export type { TlsOptions, TlsVersion, VerifyPeer } from "./net/tls_context.ts";
export type { ServerCertificate, TlsCertificates } from "./net/tls_certificates.ts";
export type { RequestInfo, ServeWebSocketOptions } from "./net/websocket_handler.ts";
export type { Authenticator, LoginAttempt, Refusal, User } from "./auth/authenticator.ts";
export type { AuthenticatorOption } from "./auth/authenticators.ts";
export type { Access, ResourceKind } from "./auth/access.ts";
export type { UserInfo } from "./auth/account.ts";
export type { PasswordHashing } from "./auth/password.ts";
export type {
  Permission,
  PermissionOptions,
  Permissions,
  TopicPermissionOptions,
  TopicPermissions,
  UserPermissions,
} from "./auth/permissions.ts";
export type {
  AlternativeNameType,
  CertificateLogin,
  PeerCertificate,
} from "./auth/peer_certificate.ts";
export type { Mechanism } from "./auth/user_authenticator.ts";
export type { UserLimits } from "./auth/user_limits.ts";
export type { BindingFields, Destination } from "./routing/binding.ts";
export type {
  ExchangeType,
  Matches,
  RoutedMessage,
  RoutingDelay,
  RoutingHistory,
  RoutingTable,
} from "./routing/exchange_type.ts";
export type { Logger, LogLevel } from "./amqp/logger.ts";
export type {
  MessageSpan,
  MessageTracer,
  TracedOperation,
  TracedOperationName,
  TracedOutcome,
} from "./amqp/tracer.ts";
export type { SyncMode } from "./store/group_commit.ts";
export type { Clock } from "./amqp/clock.ts";

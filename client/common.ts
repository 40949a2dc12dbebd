/**
 * What a program gets from each entry of the client, however it connects.
 *
 * @module
 */

export type { ByteStream } from "../broker/amqp/transport.ts";
export type { CallOptions } from "./abortable.ts";
export { Channel } from "./channel.ts";
export type {
  AckOptions,
  ConsumeOptions,
  DeclaredQueue,
  DiscardedMessages,
  ExchangeBindOptions,
  ExchangeDeclareOptions,
  ExchangeDeleteOptions,
  FlowOptions,
  GetOptions,
  NackOptions,
  PublishOptions,
  QosOptions,
  QueueBindOptions,
  QueueDeclareOptions,
  QueueDeleteOptions,
  RejectOptions,
} from "./channel_options.ts";
export type { ReturnCallback } from "./channel_publishing.ts";
export type { ClientEventMap, ClientEventName } from "./client_events.ts";
export { type AgreedLimits, Connection, type ConnectionState } from "./connection.ts";
export type { CloseReason } from "./connection_core.ts";
export { Consumer, IterableConsumer } from "./consumer.ts";
export type { DeliveryCallback } from "./callback_consumer.ts";
export type { ConsumerState } from "./consumer_core.ts";
export { Delivery } from "./delivery.ts";
export {
  BufferFullError,
  ClosedError,
  CodecError,
  ConnectionLostError,
  PoisonMessageError,
  PublishNackedError,
  RpcError,
  UnroutableError,
} from "./errors.ts";
export type { Codec } from "./messaging/codecs.ts";
export type { ConsumerOptions, Failure, MessageHandler } from "./messaging/consumer_options.ts";
export { Message } from "./messaging/message.ts";
export { MessageConsumer } from "./messaging/message_consumer.ts";
export { type OutgoingChunk, Publisher } from "./messaging/publisher.ts";
export type { MessageOptions, PublisherOptions } from "./messaging/publisher_options.ts";
export { RpcClient } from "./messaging/rpc_client.ts";
export type {
  RpcCallOptions,
  RpcHandler,
  RpcOptions,
  ServeOptions,
} from "./messaging/rpc_options.ts";
export { RpcServer } from "./messaging/rpc_server.ts";
export type { ClientTlsOptions, ConnectOptions, Password } from "./options.ts";
export type { RecoveryOptions } from "./recovery/recovery_options.ts";
export { ReceivedMessage, ReturnedMessage } from "./received_message.ts";
export { parseUri } from "./uri.ts";

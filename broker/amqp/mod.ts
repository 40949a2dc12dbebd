/**
 * The wire: what client and broker share. Methods, field tables, properties and frames of AMQP 0-9-1
 * with RabbitMQ's extensions, and the links that carry them.
 *
 * For programs that speak AMQP themselves: proxies, test tools, other brokers. Whoever only wants to
 * publish and consume needs `connect` or `Broker` of the package's main entry.
 *
 * @module
 */
export { ByteReader } from "./byte_reader.ts";
export { ByteWriter } from "./byte_writer.ts";
export { type Clock, systemClock } from "./clock.ts";
export * from "./constants.ts";
export { ConsumerTag } from "./consumer_tag.ts";
export { Content } from "./content.ts";
export { contentProperties, encodeContentHead } from "./content_codec.ts";
export { AmqpError } from "./error.ts";
export {
  Decimal,
  decodeTable,
  Double,
  encodeTable,
  type FieldTable,
  type FieldValue,
  normaliseTable,
} from "./field_table.ts";
export { FrameReader, type FrameSink } from "./frame_reader.ts";
export {
  deliveryPrefix,
  writeContent,
  writeDelivery,
  writeHeartbeat,
  writeMethod,
} from "./frame_writer.ts";
export type { ContentMethod, Link, LinkReceiver } from "./link.ts";
export { MemoryLink } from "./memory_link.ts";
export * from "./methods/mod.ts";
export {
  type BasicProperties,
  checkProperties,
  decodeProperties,
  encodeProperties,
  normaliseProperties,
  PROPERTY_FLAGS,
} from "./properties.ts";
export {
  type ByteStream,
  type Endpoint,
  endpointName,
  streamTransport,
  type TcpLike,
  tcpTransport,
  type TlsFacts,
  type Transport,
} from "./transport.ts";
export { webSocketTransport, type WebSocketTransportOptions } from "./websocket_transport.ts";
export { type ReceivedMethod, WireLink, type WireLinkOptions } from "./wire_link.ts";

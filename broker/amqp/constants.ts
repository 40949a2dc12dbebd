/**
 * Numbers of the protocol that are not methods: frame types, sizes, reply codes.
 *
 * @module
 */

/** Frame types of AMQP 0-9-1 (section 4.2.3 of the specification). */
export const FRAME_METHOD = 1;
/** A content header: class, body size, properties. */
export const FRAME_HEADER = 2;
/** A piece of a content body. */
export const FRAME_BODY = 3;
/** A heartbeat. The published text says 4; everybody, RabbitMQ included, sends 8. */
export const FRAME_HEARTBEAT = 8;

/** The octet that ends each frame. */
export const FRAME_END = 0xce;

/** Octets of a frame before its payload: type, channel, size. */
export const FRAME_HEAD_SIZE = 7;
/** Octets of a frame that are not payload: its head and its end octet. */
export const FRAME_OVERHEAD = 8;

/** Smallest frame-max that can be agreed on, as RabbitMQ up to 4.0 has it. */
export const FRAME_MIN_SIZE = 4096;
/** RabbitMQ's default for frame-max. */
export const DEFAULT_FRAME_MAX = 131_072;
/** RabbitMQ's default for channel-max. */
export const DEFAULT_CHANNEL_MAX = 2047;
/** RabbitMQ's default for the heartbeat interval, in seconds. */
export const DEFAULT_HEARTBEAT_SECONDS = 60;
/** Largest body that a content header may announce: 512 MiB, RabbitMQ's hard limit. */
export const BODY_SIZE_MAX = 536_870_912;

/** How deep tables and arrays may be nested, the outermost table counted, unless less is permitted. */
export const TABLE_DEPTH_MAX = 64;

/** What a client sends first: "AMQP", 0, then version 0.9.1. */
export const PROTOCOL_HEADER: Uint8Array = new Uint8Array([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);

/** The class id of `basic`, the one class that carries content. */
export const BASIC_CLASS = 60;

/** A reply code's name and whether it closes the whole connection. */
export interface ReplyCode {
  /** The name that starts each reply text, such as `NOT_FOUND`. */
  readonly name: string;
  /** True for a hard error, which closes the connection; a soft one closes the channel. */
  readonly hard: boolean;
}

/** The reply codes of AMQP 0-9-1 (specification, section 1.2). */
export const REPLY_CODES: ReadonlyMap<number, ReplyCode> = new Map([
  [200, { name: "REPLY_SUCCESS", hard: false }],
  [311, { name: "CONTENT_TOO_LARGE", hard: false }],
  [312, { name: "NO_ROUTE", hard: false }],
  [313, { name: "NO_CONSUMERS", hard: false }],
  [320, { name: "CONNECTION_FORCED", hard: true }],
  [402, { name: "INVALID_PATH", hard: true }],
  [403, { name: "ACCESS_REFUSED", hard: false }],
  [404, { name: "NOT_FOUND", hard: false }],
  [405, { name: "RESOURCE_LOCKED", hard: false }],
  [406, { name: "PRECONDITION_FAILED", hard: false }],
  [501, { name: "FRAME_ERROR", hard: true }],
  [502, { name: "SYNTAX_ERROR", hard: true }],
  [503, { name: "COMMAND_INVALID", hard: true }],
  [504, { name: "CHANNEL_ERROR", hard: true }],
  [505, { name: "UNEXPECTED_FRAME", hard: true }],
  [506, { name: "RESOURCE_ERROR", hard: true }],
  [530, { name: "NOT_ALLOWED", hard: true }],
  [540, { name: "NOT_IMPLEMENTED", hard: true }],
  [541, { name: "INTERNAL_ERROR", hard: true }],
]);

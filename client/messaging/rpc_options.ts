import type { BasicProperties } from "../../broker/amqp/properties.ts";
import type { CallOptions } from "../abortable.ts";
import type { QueueDeclareOptions } from "../channel_options.ts";
import type { OptionNames } from "../fields.ts";
import type { Codec } from "./codecs.ts";
import type { Message } from "./message.ts";

/** How an {@linkcode RpcClient} calls. */
export interface RpcOptions extends CallOptions {
  /** How long a call may take, in milliseconds, before it rejects; the request expires with it, so that
   * a server that comes too late does not answer it. Default: 30 000. */
  readonly timeout?: number;
  /** What becomes of calls that were made and not answered when the connection was lost, or the broker
   * closed the channel for one of them, so that nobody knows whether a server has handled them.
   * `"reject"` rejects with a `ConnectionLostError`, or an error that says so; `"retry"` makes them again
   * on the next connection or channel, within their time-out, so that a server may handle one more than
   * once, with the same `messageId`; and a call that finds no server, which may be back later than its
   * client, is made again, with growing pauses up to a second, until there is one or its time is over.
   * Default: `"reject"`. */
  readonly unanswered?: "reject" | "retry";
  /** So many calls may be under way at once; more reject. Default: 10 000. */
  readonly maxCalls?: number;
  /** Properties that all requests have. */
  readonly properties?: BasicProperties;
  /** Codecs besides those for JSON and text. */
  readonly codecs?: readonly Codec[];
}

/** How one call is made. */
export interface RpcCallOptions extends CallOptions {
  /** How long it may take, in milliseconds. Default: as the client's options say. */
  readonly timeout?: number;
  /** Properties of the request, added to the client's. */
  readonly properties?: BasicProperties;
}

/** Answers a request: what it returns, or its promise resolves to, is the body of the reply. What it
 * throws is told to the caller by name and message. */
export type RpcHandler<Request = unknown> = (
  request: Request,
  message: Message<Request>,
) => unknown;

/** How an {@linkcode RpcServer} serves. */
export interface ServeOptions<Request = unknown> extends CallOptions {
  /** How many requests may be handled at once. Default: 1. */
  readonly concurrency?: number;
  /** How many requests the broker may send before some are answered. Default: twice that. */
  readonly prefetch?: number;
  /** Looks at each request before the handler does, and gives what it gets: throw when it is not what
   * the handler can take, which the caller is told. Default: anything is let through. */
  readonly validate?: (request: unknown) => Request;
  /** A request of more bytes is refused without being decoded, as is one that becomes larger when it is
   * decompressed. Default: 16 MiB. */
  readonly maxRequestBytes?: number;
  /** How the queue is declared; `passive` when it must be there already. Default: durable, and deleted
   * with its last server, so that a caller is told at once when none is running; requests in it by then are
   * lost, and their callers wait for their time-out. `{ autoDelete: false }` keeps them for the next
   * server. */
  readonly queueOptions?: QueueDeclareOptions;
  /** Properties that all replies have. */
  readonly properties?: BasicProperties;
  /** Codecs besides those for JSON and text. */
  readonly codecs?: readonly Codec[];
}

/** All options of an RPC client. */
export const RPC_NAMES: OptionNames<RpcOptions> = {
  timeout: true,
  unanswered: true,
  maxCalls: true,
  properties: true,
  codecs: true,
  signal: true,
};

/** All options of a call. */
export const CALL_NAMES: OptionNames<RpcCallOptions> = {
  timeout: true,
  properties: true,
  signal: true,
};

/** All options of an RPC server. */
export const SERVE_NAMES: OptionNames<ServeOptions> = {
  concurrency: true,
  prefetch: true,
  validate: true,
  maxRequestBytes: true,
  queueOptions: true,
  properties: true,
  codecs: true,
  signal: true,
};

/** The header by which a reply says that it is an error, and what that is called. */
export const ERROR_HEADER = "x-rpc-error";

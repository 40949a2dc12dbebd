import type { FieldTable } from "../../broker/amqp/field_value.ts";
import type { CallOptions } from "../abortable.ts";
import { checkInteger, checkOptions, checkShortString, type OptionNames } from "../fields.ts";
import type { Codec } from "./codecs.ts";
import type { Message } from "./message.ts";
import { checkAtLeastOne, checkOneOf } from "./publisher_options.ts";

/** What becomes of a message whose handler failed. */
export type Failure = "requeue" | "reject" | "ack";

/** Takes a message. When it returns, or its promise resolves, the message is acked, unless the handler
 * settled it itself; when it fails, `ConsumerOptions.onFailure` says what becomes of it. */
export type MessageHandler<Body = unknown> = (message: Message<Body>) => unknown;

/** What a {@linkcode MessageConsumer} consumes, and how. */
export interface ConsumerOptions<Body = unknown> extends CallOptions {
  /** Queue to consume from. */
  readonly queue: string;
  /** How many messages may be handled at once. Default: 1. */
  readonly concurrency?: number;
  /** How many messages the broker may send before some are settled. Default: twice the concurrency, so
   * that the next one is there when one is done; more for handlers that take no time at all. */
  readonly prefetch?: number;
  /** What becomes of a message whose handler failed, or whose body could not be decoded: `"requeue"`
   * puts it back in its queue, `"reject"` discards it or has it dead-lettered, `"ack"` takes it for
   * done. A function decides by error and message; without one, `Connection.onError` is told of the
   * error. Default: `"requeue"`. */
  readonly onFailure?: Failure | ((error: unknown, message: Message<Body>) => Failure);
  /** A message that was delivered before and fails again waits so long before it is put back, in
   * milliseconds, so that one that always fails does not go round and round. Default: 1000. */
  readonly requeueDelayMs?: number;
  /** True when messages are settled by being sent: what is lost on the way is lost. */
  readonly noAck?: boolean;
  /** True to be the queue's only consumer. */
  readonly exclusive?: boolean;
  /** Names the consumer. Default: the broker chooses. */
  readonly consumerTag?: string;
  /** Such as `x-priority`. */
  readonly arguments?: FieldTable;
  /** Codecs besides those for JSON and text. */
  readonly codecs?: readonly Codec[];
  /** Gives up starting while it is not started, and closes the consumer after that. */
  readonly signal?: AbortSignal;
}

/** Options with every default filled in. */
export interface ResolvedConsumer<Body> extends ConsumerOptions<Body> {
  readonly concurrency: number;
  readonly prefetch: number;
  readonly requeueDelayMs: number;
  readonly noAck: boolean;
}

const NAMES: OptionNames<ConsumerOptions> = {
  queue: true,
  concurrency: true,
  prefetch: true,
  onFailure: true,
  requeueDelayMs: true,
  noAck: "flag",
  exclusive: "flag",
  consumerTag: true,
  arguments: true,
  codecs: true,
  signal: true,
};

/** Fills in the defaults and checks the rest. */
export function resolveConsumer<Body>(options: ConsumerOptions<Body>): ResolvedConsumer<Body> {
  checkOptions(options as ConsumerOptions, NAMES, "make consumer");
  const { onFailure = "requeue" } = options;
  checkShortString(options.queue, "queue");
  if (typeof onFailure !== "function") {
    checkOneOf(onFailure, ["requeue", "reject", "ack"], "onFailure");
  }
  const concurrency = checkAtLeastOne(options.concurrency ?? 1, "concurrency");
  const prefetch = checkInteger(
    options.prefetch ?? Math.min(2 * concurrency, 0xffff),
    0xffff,
    "prefetch",
  );
  return {
    ...options,
    concurrency,
    prefetch,
    onFailure,
    requeueDelayMs: checkInteger(options.requeueDelayMs ?? 1000, 0x7fff_ffff, "requeueDelayMs"),
    noAck: options.noAck ?? false,
  };
}

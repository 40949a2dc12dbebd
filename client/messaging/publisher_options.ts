import type { BasicProperties } from "../../broker/amqp/properties.ts";
import type { CallOptions } from "../abortable.ts";
import { checkInteger, checkOptions, checkProperties, type OptionNames } from "../fields.ts";
import type { Codec } from "./codecs.ts";

/** Where a {@linkcode Publisher} publishes, and what it does when the broker cannot be reached. */
export interface PublisherOptions extends CallOptions {
  /** Exchange, unless a message says otherwise. Default: `""`, which takes the routing key for a queue's
   * name. */
  readonly exchange?: string;
  /** Routing key, unless a message says otherwise. Default: `""`. */
  readonly routingKey?: string;
  /** Properties that all messages have, unless they say otherwise. */
  readonly properties?: BasicProperties;
  /** True when a message that no queue takes rejects with an `UnroutableError`. Without confirms there
   * is nothing to reject any more: it is dropped. Default: false. */
  readonly mandatory?: boolean;
  /** True when each publish waits until the broker has taken responsibility for the message; false when
   * it waits only while the way to the broker is full. Default: true. */
  readonly confirm?: boolean;
  /** What becomes of messages that were sent and not confirmed when the connection was lost, so that
   * nobody knows whether they arrived. `"retry"` publishes them again on the next one: each arrives at
   * least once, and consumers know a second one by its `messageId`; one for which the broker closes
   * connections again and again rejects with a `PoisonMessageError`. `"reject"` rejects with a
   * `ConnectionLostError`.
   *
   * It is the same when the broker closes the channel over one message, and does not say which. `"retry"`
   * publishes them again one at a time, so that it tells. With `"reject"` nothing is published twice, so
   * what is known is what the broker's words quote: the exchange (404, 403), also the routing key where
   * that must not be used, another's `userId`, a wrong `expiration`, the size of a body that is too large
   * (406). All that fit, or the only one that was under way, reject with its `AmqpError`, though one of
   * them that was sent before may have arrived. The others
   * reject with a `ConnectionLostError`, whose cause it is: those before the refused one may have arrived,
   * those after it have not, and which is which cannot be told, nor which one was refused when the words
   * quote nothing. Default: `"retry"`. */
  readonly unconfirmed?: "retry" | "reject";
  /** What becomes of messages that are published while there is no connection: `"buffer"` keeps them
   * for the next one, `"reject"` rejects with a `ConnectionLostError`. Default: `"buffer"`. */
  readonly whileAway?: "buffer" | "reject";
  /** So many messages may wait to be sent; more reject with a `BufferFullError`. Default: 10 000. */
  readonly maxBuffered?: number;
  /** So many bytes of their bodies may wait. Default: 64 MiB. */
  readonly maxBufferedBytes?: number;
  /** So many messages may be unconfirmed at once; more wait. Default: 2000. */
  readonly maxUnconfirmed?: number;
  /** Codecs besides those for JSON and text. */
  readonly codecs?: readonly Codec[];
}

/** Where and how one message is published; what is missing is as the publisher's options say. */
export interface MessageOptions extends CallOptions {
  /** Exchange. */
  readonly exchange?: string;
  /** Routing key. */
  readonly routingKey?: string;
  /** True to reject when no queue takes it. */
  readonly mandatory?: boolean;
  /** Properties, added to the publisher's. A `messageId` is made when there is none. */
  readonly properties?: BasicProperties;
  /** True when you will not write to the body's buffer again, which saves a copy. */
  readonly transfer?: boolean;
}

/** Options with every default filled in. */
export type ResolvedPublisher = Required<Omit<PublisherOptions, "signal" | "codecs">>;

const NAMES: OptionNames<PublisherOptions> = {
  exchange: true,
  routingKey: true,
  properties: true,
  mandatory: "flag",
  confirm: "flag",
  unconfirmed: true,
  whileAway: true,
  maxBuffered: true,
  maxBufferedBytes: true,
  maxUnconfirmed: true,
  codecs: true,
  signal: true,
};

const MESSAGE_NAMES: OptionNames<MessageOptions> = {
  exchange: true,
  routingKey: true,
  mandatory: "flag",
  properties: true,
  transfer: "flag",
  signal: true,
};

/** Checks that there are such options for a message. */
export function checkMessageOptions(options: MessageOptions): void {
  checkOptions(options, MESSAGE_NAMES, "publish");
  checkProperties(options.properties, "publish");
}

/** Fills in the defaults and checks the rest. */
export function resolvePublisher(options: PublisherOptions): ResolvedPublisher {
  checkOptions(options, NAMES, "make publisher");
  checkProperties(options.properties, "make publisher");
  const { maxBuffered = 10_000, maxBufferedBytes = 64 * 1024 * 1024 } = options;
  const { unconfirmed = "retry", whileAway = "buffer" } = options;
  checkOneOf(unconfirmed, ["retry", "reject"], "unconfirmed");
  checkOneOf(whileAway, ["buffer", "reject"], "whileAway");
  return {
    exchange: options.exchange ?? "",
    routingKey: options.routingKey ?? "",
    properties: options.properties ?? {},
    mandatory: options.mandatory ?? false,
    confirm: options.confirm ?? true,
    unconfirmed,
    whileAway,
    maxBuffered: checkInteger(maxBuffered, Number.MAX_SAFE_INTEGER, "maxBuffered"),
    maxBufferedBytes: checkInteger(maxBufferedBytes, Number.MAX_SAFE_INTEGER, "maxBufferedBytes"),
    maxUnconfirmed: checkAtLeastOne(options.maxUnconfirmed ?? 2000, "maxUnconfirmed"),
  };
}

/** Checks a choice. */
export function checkOneOf(value: unknown, choices: readonly unknown[], name: string): void {
  if (choices.includes(value)) return;
  const listed = choices.map((choice) => JSON.stringify(choice)).join(" or ");
  throw new TypeError(`Cannot use ${name} ${JSON.stringify(value)}: it is ${listed}`);
}

/** Checks a count of which none makes no sense. */
export function checkAtLeastOne(value: number, name: string): number {
  if (checkInteger(value, Number.MAX_SAFE_INTEGER, name) > 0) return value;
  throw new RangeError(`Cannot use ${name} 0: it is at least 1`);
}

import { AmqpError } from "../../amqp/error.ts";
import type { FieldTable, FieldValue } from "../../amqp/field_table.ts";
import { parseAge } from "./age.ts";

/**
 * The arguments of a stream: how much it keeps, and where a consumer begins to read.
 *
 * @module
 */

const SEGMENT_BYTES = 500_000_000;
const SEGMENT_BYTES_MAX = 3_000_000_000;
const FILTER_BYTES_MIN = 16;
const FILTER_BYTES_MAX = 255;

/** How much a stream keeps. */
export interface Retention {
  /** Whole segments go, oldest first, while there is more than so much; undefined: no limit. */
  readonly bytesMax: number | undefined;
  /** Segments go whose last message is older than this; undefined: no limit. */
  readonly ageMaxMs: number | undefined;
  /** A segment that has reached this size is followed by a new one. */
  readonly segmentBytes: number;
}

/**
 * What a stream's arguments, and the policy that applies to it, come to. Where both say something,
 * the policy counts, as it does for streams in RabbitMQ.
 *
 * @param arguments_ The `x-` arguments, checked.
 * @param policy The keys of the policy, without `x-`, as `max-age`; checked.
 */
export function retentionOf(arguments_: FieldTable, policy: FieldTable = {}): Retention {
  const value = (name: string) => policy[name] ?? arguments_[`x-${name}`];
  const number = (name: string) => value(name) === undefined ? undefined : Number(value(name));
  const age = value("max-age");
  return {
    bytesMax: number("max-length-bytes"),
    ageMaxMs: typeof age === "string" ? parseAge(age) : undefined,
    segmentBytes: number("stream-max-segment-size-bytes") ?? SEGMENT_BYTES,
  };
}

/**
 * Checks what only streams limit of their own arguments.
 *
 * @throws {AmqpError} 406 when a size is out of its range.
 */
export function checkStreamSizes(arguments_: FieldTable): void {
  const segmentBytes = arguments_["x-stream-max-segment-size-bytes"];
  if (segmentBytes !== undefined && Number(segmentBytes) > SEGMENT_BYTES_MAX) {
    throw new AmqpError(406, "Exceeded max value for x-stream-max-segment-size-bytes");
  }
  // how large RabbitMQ's filter of a chunk is; here each message is looked at, so it changes nothing
  const filterBytes = arguments_["x-stream-filter-size-bytes"];
  if (filterBytes === undefined) return;
  if (Number(filterBytes) < FILTER_BYTES_MIN || Number(filterBytes) > FILTER_BYTES_MAX) {
    throw new AmqpError(406, "Invalid value for x-stream-filter-size-bytes");
  }
}

/** Where a consumer begins: by name, by offset, or with the first message that came at a time. */
export type StreamStart =
  | "first"
  | "last"
  | "next"
  | { readonly offset: number }
  | { readonly timestamp: number };

/**
 * Reads the argument `x-stream-offset` of `basic.consume`.
 *
 * @param now For an interval, which counts back from here.
 * @returns Undefined when it is none of the forms that there are.
 */
export function parseStreamStart(
  value: FieldValue | undefined,
  now: number,
): StreamStart | undefined {
  if (value === undefined) return "next";
  if (value === "first" || value === "last" || value === "next") return value;
  if (value instanceof Date) return { timestamp: value.getTime() };
  if (typeof value === "bigint") return { offset: Number(value) };
  if (typeof value === "number" && Number.isInteger(value)) return { offset: value };
  const age = typeof value === "string" ? parseAge(value) : undefined;
  return age === undefined ? undefined : { timestamp: now - age };
}

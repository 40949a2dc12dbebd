import type { FieldTable } from "../../amqp/field_table.ts";
import { decodeProperties } from "../../amqp/properties.ts";
import type { MessageBytes } from "../../store/stored_message.ts";
import { headersHold } from "./head.ts";

/** The header that a publisher gives a message to be filtered by. */
const VALUE_HEADER = "x-stream-filter-value";
const VALUE_KEY = new TextEncoder().encode(VALUE_HEADER);

/**
 * What a consumer wants to see of a stream. RabbitMQ passes over whole chunks in which no message can
 * match, and leaves the rest to its client; here each message is looked at, so that a client gets
 * what it asked for and nothing else.
 */
export class StreamFilter {
  readonly #values: ReadonlySet<string>;
  readonly #matchUnfiltered: boolean;

  constructor(values: Iterable<string>, matchUnfiltered: boolean) {
    this.#values = new Set(values);
    this.#matchUnfiltered = matchUnfiltered;
  }

  /** The filter that the arguments of `basic.consume` ask for; undefined when there is none. */
  static from(arguments_: FieldTable): StreamFilter | undefined {
    const asked = arguments_["x-stream-filter"];
    const values = (Array.isArray(asked) ? asked : [asked])
      .filter((value) => typeof value === "string");
    if (values.length === 0) return undefined;
    return new StreamFilter(values, arguments_["x-stream-match-unfiltered"] === true);
  }

  /** True when the consumer wants this message. Its head must be encoded. */
  matches(message: MessageBytes): boolean {
    const value = filterValue(message);
    return value === undefined ? this.#matchUnfiltered : this.#values.has(value);
  }
}

function filterValue({ head, propertiesStart, propertiesEnd }: MessageBytes): string | undefined {
  if (!headersHold(head!, propertiesStart, VALUE_KEY)) return undefined;
  const value = decodeProperties(head!, propertiesStart, propertiesEnd).headers?.[VALUE_HEADER];
  return typeof value === "string" ? value : undefined;
}

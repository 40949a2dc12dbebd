import type { JsonValue } from "../mod.ts";
import { Slices } from "./slices.ts";

/** About so much is handed to the socket at once, in characters. */
const CHUNK = 64 * 1024;

/**
 * A list as JSON, made as it is read: it never is in memory as a whole, and everything else goes on
 * between its parts.
 *
 * @param rows What is in it.
 * @param describe Makes what it has for each.
 * @param onEnd Called when all of it was taken, or nobody wants the rest.
 */
export function jsonList<T>(
  rows: Iterable<T>,
  describe: (row: T) => JsonValue,
  onEnd?: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return streamOf(listParts(rows, describe), onEnd);
}

/** An object, of whose fields some are lists. */
export type LongObject = Readonly<Record<string, JsonValue | Iterable<JsonValue>>>;

/** The same of an object with long lists in it, which may be made as they are read. */
export function jsonObject(
  value: LongObject,
  onEnd?: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return streamOf(objectParts(value), onEnd);
}

function* listParts<T>(rows: Iterable<T>, describe: (row: T) => unknown): Generator<string> {
  let separator = "[";
  for (const row of rows) {
    yield `${separator}${JSON.stringify(describe(row))}`;
    separator = ",";
  }
  yield separator === "[" ? "[]" : "]";
}

function* objectParts(value: LongObject): Generator<string> {
  let separator = "{";
  for (const [name, item] of Object.entries(value)) {
    yield `${separator}${JSON.stringify(name)}:`;
    separator = ",";
    if (typeof item === "object" && item !== null && Symbol.iterator in item) {
      yield* listParts(item as Iterable<unknown>, (entry) => entry);
    } else yield JSON.stringify(item);
  }
  yield separator === "{" ? "{}" : "}";
}

/** A text as a stream, with pauses while its parts are made. */
export function streamOf(
  parts: Iterable<string>,
  onEnd?: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const slices = new Slices();
  const iterator = parts[Symbol.iterator]();
  return new ReadableStream({
    async pull(controller) {
      const texts: string[] = [];
      let size = 0;
      let next;
      try {
        next = iterator.next();
        while (next.done !== true) {
          texts.push(next.value);
          size += next.value.length;
          if (size >= CHUNK) break;
          if (slices.over) await slices.rest();
          next = iterator.next();
        }
      } catch (bug) {
        // nobody cancels a stream that has failed
        onEnd?.();
        throw bug;
      }
      if (texts.length > 0) controller.enqueue(encoder.encode(texts.join("")));
      if (next.done !== true) return await slices.rest();
      controller.close();
      onEnd?.();
    },
    cancel() {
      iterator.return?.();
      onEnd?.();
    },
  }, { highWaterMark: 1 });
}

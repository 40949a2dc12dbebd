import type { JsonObject } from "../mod.ts";
import { Slices } from "./slices.ts";

/** About so much is handed to the socket at once, in characters. */
const CHUNK = 64 * 1024;

/**
 * A list as JSON, made as it is read: it never is in memory as a whole, and everything else goes on
 * between its parts.
 *
 * @param rows What is in it.
 * @param describe Makes the object of each.
 */
export function jsonList<T>(
  rows: Iterable<T>,
  describe: (row: T) => JsonObject,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const slices = new Slices();
  const iterator = rows[Symbol.iterator]();
  let begun = false;
  return new ReadableStream({
    async pull(controller) {
      const parts: string[] = [];
      let size = 0;
      if (begun) await slices.rest();
      while (size < CHUNK) {
        const { done, value } = iterator.next();
        if (done === true) {
          controller.enqueue(encoder.encode(`${begun ? "" : "["}${parts.join("")}]`));
          controller.close();
          return;
        }
        const text = `${begun ? "," : "["}${JSON.stringify(describe(value))}`;
        begun = true;
        parts.push(text);
        size += text.length;
        if (slices.over) await slices.rest();
      }
      controller.enqueue(encoder.encode(parts.join("")));
    },
  }, { highWaterMark: 1 });
}

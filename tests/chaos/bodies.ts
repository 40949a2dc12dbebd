import type { BasicProperties } from "../../mod.ts";
import type { RandomValues } from "../amqp/random_values.ts";

/** The header with a message's number. */
export const NUMBER = "number";

/** What is published once, and must come out as it went in. */
export interface Outgoing {
  readonly body: unknown;
  readonly properties: BasicProperties;
}

/** Bodies by number: values, texts and bytes, compressed or not, with contents that the seed chooses, so
 * that no piece of one could be taken for a piece of another. */
export class Bodies {
  readonly #random: RandomValues;
  readonly #size: number;
  readonly #sent = new Map<number, string>();

  constructor(random: RandomValues) {
    this.#random = random;
    this.#size = random.pick([10, 1000, 9000]);
  }

  /** How many were made. */
  get count(): number {
    return this.#sent.size;
  }

  /** Makes the one of this number. */
  make(number: number): Outgoing {
    const random = this.#random;
    const bytes = random.bytes(this.#size);
    const text = () => bytes.reduce((text, byte) => text + String.fromCharCode(0x20 + byte), "");
    const body = random.pick([() => bytes, text, () => ({ number, text: text() })])();
    this.#sent.set(number, contentOf(body));
    const contentEncoding = random.pick([undefined, undefined, "gzip", "deflate"]);
    return {
      body,
      properties: {
        headers: { [NUMBER]: number },
        ...(contentEncoding === undefined ? {} : { contentEncoding }),
      },
    };
  }

  /** Throws unless a message is what was published by its number, which it returns. */
  check(body: unknown, { headers }: BasicProperties): number {
    const number = headers?.[NUMBER];
    if (typeof number === "number" && this.#sent.get(number) === contentOf(body)) return number;
    throw new Error(`Message ${number} is not what was published`);
  }
}

/** All of a body, in a form that two of them are compared in. */
function contentOf(body: unknown): string {
  return body instanceof Uint8Array ? `bytes ${body.join()}` : `value ${JSON.stringify(body)}`;
}

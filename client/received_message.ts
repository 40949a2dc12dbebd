import type { Content } from "../broker/amqp/content.ts";
import {
  type BasicProperties,
  decodeProperties,
  normaliseProperties,
} from "../broker/amqp/properties.ts";
import { BODY_PAGE_SIZE, type BodyPage } from "./body_page.ts";

const decoder = new TextDecoder();

// It has no private fields and no constructor: V8 makes an object of a derived class without calls only
// when there is nothing to do for the class above it.
/** A message as it came from the broker: where it was published to, its properties and its body. */
export abstract class ReceivedMessage {
  /** Exchange that the message was published to; `""` is the default exchange. */
  declare readonly exchange: string;
  /** Routing key that it was published with. */
  declare readonly routingKey: string;

  /**
   * The body.
   *
   * It is this message's own, but a small one shares its `buffer` with other messages: take a
   * `slice()` before you transfer the buffer, or keep a small body for long.
   */
  abstract get body(): Uint8Array<ArrayBuffer>;

  /** Size of the body in bytes. */
  abstract get bodySize(): number;

  /** The properties, those that were set; a copy of this message's own, made when first asked for. */
  abstract get properties(): BasicProperties;

  /** The body as text: decoded as UTF-8, with U+FFFD for what is none. */
  text(): string {
    return decoder.decode(this.body);
  }

  /**
   * The body as JSON.
   *
   * @returns What it stands for.
   * @throws {SyntaxError} When the body is not JSON.
   */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/** The page that properties were read from last, and its octets. */
let lastPage: ArrayBuffer | undefined;
let lastOctets: Uint8Array = new Uint8Array(0);

/**
 * Makes the properties of a message that its user may have.
 *
 * @param shared Those of a message of this process: somebody else's until they are copied.
 * @param buffer Where they are when there are none of the kind; from `start` to `end`.
 */
export function ownProperties(
  shared: BasicProperties | undefined,
  buffer: ArrayBuffer,
  start: number,
  end: number,
): BasicProperties {
  if (shared !== undefined) return normaliseProperties(shared, true);
  return start === end ? {} : decodeProperties(octetsOf(buffer), start, end);
}

/** Many a message lies in the same page, and whoever reads from it wants one view, always the same. */
function octetsOf(buffer: ArrayBuffer): Uint8Array {
  if (buffer === lastPage) return lastOctets;
  const octets = new Uint8Array(buffer);
  if (octets.length > BODY_PAGE_SIZE) return octets;
  lastPage = buffer;
  return lastOctets = octets;
}

/** A message that the broker gave back, since it was mandatory and no queue took it. */
export class ReturnedMessage extends ReceivedMessage {
  /** Exchange that the message was published to; `""` is the default exchange. */
  declare readonly exchange: string;
  /** Routing key that it was published with. */
  declare readonly routingKey: string;
  /** Why: 312 for no route. */
  declare readonly replyCode: number;
  /** Why, in words. */
  declare readonly replyText: string;
  readonly #body: Uint8Array<ArrayBuffer>;
  readonly #bodySize: number;
  #takeProperties: (() => BasicProperties) | undefined;
  #properties: BasicProperties | undefined = undefined;

  /** @ignore */
  constructor(replyCode: number, replyText: string, content: Content, page: BodyPage) {
    super();
    page.keep(content);
    const { buffer, start, middle, end } = page;
    const { properties } = content;
    this.exchange = content.exchange;
    this.routingKey = content.routingKey;
    this.replyCode = replyCode;
    this.replyText = replyText;
    this.#bodySize = middle - start;
    this.#body = new Uint8Array(buffer, start, this.#bodySize);
    this.#takeProperties = () => ownProperties(properties, buffer, middle, end);
  }

  /** The body: this message's own, but a small one shares its `buffer` with other messages. */
  override get body(): Uint8Array<ArrayBuffer> {
    return this.#body;
  }

  /** Size of the body in bytes. */
  override get bodySize(): number {
    return this.#bodySize;
  }

  /** The properties, those that were set; a copy of this message's own, made when first asked for. */
  override get properties(): BasicProperties {
    if (this.#properties === undefined) {
      this.#properties = this.#takeProperties!();
      this.#takeProperties = undefined;
    }
    return this.#properties;
  }
}

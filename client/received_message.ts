import type { Content } from "../broker/amqp/content.ts";
import {
  type BasicProperties,
  decodeProperties,
  normaliseProperties,
} from "../broker/amqp/properties.ts";
import type { BodyPage } from "./body_page.ts";

const decoder = new TextDecoder();

/** A message as it came from the broker: where it was published to, its properties and its body. */
export class ReceivedMessage {
  // fields that are only declared are written once, others twice
  /** Exchange that the message was published to; `""` is the default exchange. */
  declare readonly exchange: string;
  /** Routing key that it was published with. */
  declare readonly routingKey: string;
  /** The page that body and properties were copied to; see `body_page.ts`. */
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #start: number;
  readonly #middle: number;
  readonly #end: number;
  #body: Uint8Array<ArrayBuffer> | undefined = undefined;
  /** Properties of a message of this process: somebody else's until they are copied. */
  #shared: BasicProperties | undefined;
  #properties: BasicProperties | undefined = undefined;

  /** @ignore */
  constructor(content: Content, page: BodyPage) {
    page.keep(content);
    this.exchange = content.exchange;
    this.routingKey = content.routingKey;
    this.#bytes = page.bytes;
    this.#start = page.start;
    this.#middle = page.middle;
    this.#end = page.end;
    this.#shared = content.properties;
  }

  /**
   * The body.
   *
   * It is this message's own, but a small one shares its `buffer` with other messages: take a
   * `slice()` before you transfer the buffer, or keep a small body for long.
   */
  get body(): Uint8Array<ArrayBuffer> {
    const { buffer } = this.#bytes;
    return this.#body ??= new Uint8Array(buffer, this.#start, this.#middle - this.#start);
  }

  /** Size of the body in bytes. */
  get bodySize(): number {
    return this.#middle - this.#start;
  }

  /** The properties, those that were set; a copy of this message's own, made when first asked for. */
  get properties(): BasicProperties {
    return this.#properties ??= this.#takeProperties();
  }

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

  #takeProperties(): BasicProperties {
    const shared = this.#shared;
    this.#shared = undefined;
    if (shared !== undefined) return normaliseProperties(shared, true);
    if (this.#middle === this.#end) return {};
    return decodeProperties(this.#bytes, this.#middle, this.#end);
  }
}

/** A message that the broker gave back, since it was mandatory and no queue took it. */
export class ReturnedMessage extends ReceivedMessage {
  /** Why: 312 for no route. */
  readonly replyCode: number;
  /** Why, in words. */
  readonly replyText: string;

  /** @ignore */
  constructor(replyCode: number, replyText: string, content: Content, page: BodyPage) {
    super(content, page);
    this.replyCode = replyCode;
    this.replyText = replyText;
  }
}

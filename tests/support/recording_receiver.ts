import { type BasicProperties, decodeProperties } from "../../broker/amqp/properties.ts";
import type { Content } from "../../broker/amqp/content.ts";
import type { AmqpError } from "../../broker/amqp/error.ts";
import type { ContentMethod, LinkReceiver } from "../../broker/amqp/link.ts";
import type { Method } from "../../broker/amqp/methods/mod.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A content as a test compares it: what it said, and nothing of where it lay. */
export interface SeenContent {
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: BasicProperties;
  readonly body: string;
}

/** What a link brought, in order. */
export type LinkEvent =
  | { readonly channel: number; readonly method: Method; readonly content?: SeenContent }
  | {
    readonly channel: number;
    readonly delivery: readonly [consumerTag: string, deliveryTag: number, redelivered: boolean];
    readonly content: SeenContent;
  }
  | "drained"
  | { readonly failed: string }
  | { readonly closed: string | undefined };

/** Takes what a link brings and writes it down. */
export class RecordingReceiver implements LinkReceiver {
  readonly events: LinkEvent[] = [];
  /** The errors given to `failed`, whole. */
  readonly errors: AmqpError[] = [];
  /** Resolves when the link is gone. */
  readonly whenClosed: Promise<void>;
  #resolveClosed!: () => void;
  #waiting: { count: number; resolve: () => void } | undefined;

  constructor() {
    this.whenClosed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  /** Resolves when so many events have come in all. */
  async until(count: number): Promise<void> {
    if (this.events.length >= count) return;
    await new Promise<void>((resolve) => this.#waiting = { count, resolve });
  }

  receive(channel: number, method: Method): void {
    this.#add({ channel, method });
  }

  receiveContent(channel: number, method: ContentMethod, content: Content): void {
    const seen = seenContent(content);
    // the method of an address that never came before does not tell the key
    const { routingKey } = seen;
    const whole = method.name === "basic.publish"
      ? { ...method, routingKey, bears: undefined }
      : method;
    this.#add({ channel, method: whole, content: seen });
  }

  receiveDelivery(
    channel: number,
    consumerTag: string,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void {
    const delivery = [consumerTag, deliveryTag, redelivered] as const;
    this.#add({ channel, delivery, content: seenContent(content) });
  }

  failed(error: AmqpError): void {
    this.errors.push(error);
    this.#add({ failed: error.message });
  }

  drained(): void {
    this.#add("drained");
  }

  closed(error?: Error): void {
    this.#add({ closed: error?.message });
    this.#resolveClosed();
  }

  #add(event: LinkEvent): void {
    this.events.push(event);
    if (this.#waiting !== undefined && this.events.length >= this.#waiting.count) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
  }
}

/** Copies what a content says, wherever it lies. */
export function seenContent(content: Content): SeenContent {
  const { exchange, routingKey, head, body, bodyStart, bodyEnd } = content;
  const properties = content.properties ??
    (head === undefined
      ? {}
      : decodeProperties(head, content.propertiesStart, content.propertiesEnd));
  return {
    exchange,
    routingKey,
    properties,
    body: decoder.decode(body.subarray(bodyStart, bodyEnd)),
  };
}

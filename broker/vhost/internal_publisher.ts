import { Content } from "../amqp/content.ts";
import type { BasicProperties } from "../amqp/properties.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import { Message } from "../message.ts";
import type { VirtualHost } from "./vhost.ts";

/** So many messages wait for the end of a turn; what is more is dropped. */
const WAITING_MAX = 10_000;

/**
 * Publishes what the broker itself has to say to an exchange of a vhost: log lines, events, copies of
 * messages. At the end of the turn, so that it never happens in the middle of a publish.
 */
export class InternalPublisher {
  readonly #vhost: VirtualHost;
  readonly #exchange: string;
  #waiting: Content[] = [];
  #told = false;

  constructor(vhost: VirtualHost, exchange: string) {
    this.#vhost = vhost;
    this.#exchange = exchange;
  }

  /** True when anything is bound to the exchange: otherwise there is nothing to do. */
  get heard(): boolean {
    return this.#vhost.exchanges.get(this.#exchange)?.hasBindings ?? false;
  }

  /** Publishes a message. The body is kept, not copied. */
  publish(routingKey: string, properties: BasicProperties, body: Uint8Array): void {
    if (this.#waiting.length >= WAITING_MAX) return;
    const content = new Content();
    content.exchange = this.#exchange;
    content.routingKey = shortened(routingKey);
    content.properties = properties;
    content.body = body;
    content.bodyEnd = body.length;
    content.transferred = true;
    this.#waiting.push(content);
    if (this.#waiting.length === 1) atEndOfTurn(() => this.#publishAll());
  }

  #publishAll(): void {
    const contents = this.#waiting;
    this.#waiting = [];
    for (const content of contents) {
      try {
        this.#vhost.publish(new Message(content));
      } catch (error) {
        this.#tell(error);
      }
    }
  }

  /** Tells once of what exchange types throw, which may be a program's own: what is told may come
   * here again. */
  #tell(error: unknown): void {
    if (this.#told) return;
    this.#told = true;
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#vhost.reportError(`cannot publish to exchange '${this.#exchange}': ${text}`);
  }
}

const encoder = new TextEncoder();
const scratch = new Uint8Array(255);

/** A routing key has 255 octets at most; names that go into it may have as many. */
function shortened(key: string): string {
  return key.length <= 85 ? key : key.slice(0, encoder.encodeInto(key, scratch).read);
}

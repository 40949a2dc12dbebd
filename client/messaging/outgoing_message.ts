import type { BasicProperties } from "../../broker/amqp/properties.ts";
import type { Confirmable } from "../confirms.ts";

/** Who keeps a message until it is settled. */
export interface Keeper {
  /** The broker has taken it. */
  confirmed(message: OutgoingMessage): void;
  /** The broker has not, or nobody knows. */
  unconfirmed(message: OutgoingMessage, error: Error): void;
}

/** A message that a publisher was given, until its promise is settled. */
export class OutgoingMessage implements Confirmable {
  settled = false;
  /** It waits to be sent. */
  waiting = false;
  /** Nobody waits for it any more. */
  abandoned = false;
  /** It came back, since no queue took it. */
  returned = false;
  readonly promise: Promise<void>;
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  readonly properties: BasicProperties;
  /** A text, or the bytes that it is in; undefined while it is being compressed. */
  body: Uint8Array | string | undefined;
  /** Where in the bytes. */
  start: number;
  /** Size of its body in bytes, unless it is a text; of one that is being compressed, before that. */
  size: number;
  readonly #keeper: Keeper;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(
    keeper: Keeper,
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    properties: BasicProperties,
    body: Uint8Array | string | undefined,
    start: number,
    size: number,
  ) {
    this.#keeper = keeper;
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.mandatory = mandatory;
    this.properties = properties;
    this.body = body;
    this.start = start;
    this.size = size;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** How many bytes its body has on the wire. */
  get bodySize(): number {
    return typeof this.body === "string" ? encoder.encode(this.body).length : this.size;
  }

  ack(): void {
    this.settled = true;
    this.#keeper.confirmed(this);
  }

  fail(error: Error): void {
    this.settled = true;
    this.#keeper.unconfirmed(this, error);
  }

  /** It has arrived. */
  resolve(): void {
    this.#resolve();
  }

  /** It has not. */
  reject(error: unknown): void {
    this.promise.catch(ignore); // who does not wait loses nothing but the news
    this.#reject(error);
  }
}

const encoder = new TextEncoder();

function ignore(): void {}

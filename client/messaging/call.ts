import type { BasicProperties } from "../../broker/amqp/properties.ts";

/** Properties that are still being made. */
export type RequestProperties = {
  -readonly [Name in keyof BasicProperties]: BasicProperties[Name];
};

const NO_PROPERTIES: RequestProperties = {};

/** One call, from its request to its end. */
export class Call {
  /** Its number, as a text. */
  readonly correlationId: string;
  /** How long it may take, in milliseconds. */
  readonly timeout: number;
  /** When it is too late for a reply, as `Clock.elapsed` counts. */
  readonly deadline: number;
  /** The request, once it is encoded. */
  body: Uint8Array | string = "";
  /** Those of the request, nobody else's. */
  properties: RequestProperties = NO_PROPERTIES;
  /** Which of the client's requests it is, while it is on its way on the present channel; 0: it is not. */
  sent = 0;
  readonly #id: number;
  readonly #calls: Map<number, Call>;
  #resolve: (reply: unknown) => void = ignore;
  #reject: (error: unknown) => void = ignore;

  constructor(calls: Map<number, Call>, id: number, timeout: number, deadline: number) {
    this.#calls = calls;
    this.#id = id;
    this.correlationId = `${id}`;
    this.timeout = timeout;
    this.deadline = deadline;
  }

  /** It is under way from now on, until it is resolved or rejected. */
  begin(resolve: (reply: unknown) => void, reject: (error: unknown) => void): void {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#calls.set(this.#id, this);
  }

  /** True while nobody has given it up. */
  get isUnderWay(): boolean {
    return this.#calls.has(this.#id);
  }

  resolve(reply: unknown): void {
    this.#calls.delete(this.#id);
    this.#resolve(reply);
  }

  reject(error: unknown): void {
    this.#calls.delete(this.#id);
    this.#reject(error);
  }
}

function ignore(): void {}

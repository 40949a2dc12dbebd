import type { BasicProperties } from "./properties.ts";

/** What is done with a message: of a client, `send` (it publishes), `receive` (a call or an iteration
 * asked for it) and `process` (a callback has it); of a broker, `publish`, `deliver` and `get`. */
export type TracedOperationName =
  | "send"
  | "receive"
  | "process"
  | "publish"
  | "deliver"
  | "get";

/** Something that is done with a message. */
export interface TracedOperation {
  /** What. */
  readonly name: TracedOperationName;
  /** The exchange that the message was published to. */
  readonly exchange: string;
  /** The routing key that it was published with. */
  readonly routingKey: string;
  /** The queue that it comes from; undefined while it is published. */
  readonly queue?: string | undefined;
  /** Its properties, headers included. */
  readonly properties: BasicProperties;
  /** Size of its body in bytes. */
  readonly bodySize: number;
  /** What its delivery is called on its channel. */
  readonly deliveryTag?: number | undefined;
  /** Who gets it. */
  readonly consumerTag?: string | undefined;
  /** True when it may have been delivered before. */
  readonly redelivered?: boolean | undefined;
  /** The vhost, where that is known. */
  readonly vhost?: string | undefined;
  /** What the broker calls the client's connection; undefined on the client's side. */
  readonly connection?: string | undefined;
  /** The broker's address, on the client's side. */
  readonly server?: { readonly address: string; readonly port?: number | undefined } | undefined;
}

/** What is known at the end of an operation. */
export interface TracedOutcome {
  /** What went wrong. */
  readonly error?: unknown;
  /** Into how many queues a published message went. */
  readonly queues?: number | undefined;
}

/** An operation that is being traced. Nothing of it may throw. */
export interface MessageSpan {
  /** Headers that the message goes on with, so that whoever has it next continues the trace; undefined:
   * it goes on as it is. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Calls back such that what happens there belongs to this operation; what the callback throws goes
   * through. */
  run<Result>(callback: () => Result): Result;
  /** The operation is over. Called once. */
  end(outcome?: TracedOutcome): void;
}

/**
 * Is told of messages as they are published, delivered and handled, so that they can be followed from
 * program to program. `OpenTelemetryTracer` of `@warren/amqp/opentelemetry` is one.
 *
 * A broker or a client without one spends nothing on it.
 */
export interface MessageTracer {
  /**
   * An operation begins. Must not throw.
   *
   * @param operation What is done, and with what message.
   * @returns What is told of its end; undefined: this one is not traced.
   */
  begin(operation: TracedOperation): MessageSpan | undefined;
}

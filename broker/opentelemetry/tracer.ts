import {
  type Context,
  context,
  isSpanContextValid,
  propagation,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { AmqpError } from "../amqp/error.ts";
import type { FieldTable } from "../amqp/field_value.ts";
import type { MessageSpan, MessageTracer, TracedOperation, TracedOutcome } from "../amqp/tracer.ts";
import { attributesOf, OPERATIONS, spanName } from "./attributes.ts";

/** Options of an {@linkcode OpenTelemetryTracer}. */
export interface OpenTelemetryTracerOptions {
  /** Which messages are traced: `continued`: those that belong to a trace that is being recorded; `all`:
   * others begin one. Default: `all`. */
  readonly messages?: "continued" | "all";
}

/**
 * Makes a span of each message that is published, delivered or handled, by OpenTelemetry's conventions
 * for messaging. The trace goes along in the message's headers as the registered propagator writes it,
 * which is W3C's `traceparent` unless told otherwise.
 *
 * ```text
 *  program         broker                            program
 *  send  --------> publish -- queue --> deliver ---> process
 *  PRODUCER        CONSUMER             PRODUCER     CONSUMER      each the parent of the next
 * ```
 *
 * Spans go to what is registered with OpenTelemetry's API: in Deno the runtime itself, when it was started
 * with `OTEL_DENO=true`. A program whose broker is not traced, or the other way round, just has fewer of them. A trace that is
 * not being recorded goes on as it is.
 *
 * @example A client; the same option is there for a `Broker`
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { OpenTelemetryTracer } from "@warren/amqp/opentelemetry";
 *
 * const tracer = new OpenTelemetryTracer();
 * await using broker = new Broker({ tracer });
 * await using connection = await broker.connect({ tracer });
 * const channel = await connection.openChannel();
 * const { queue } = await channel.queueDeclare();
 * await channel.basicPublish({ routingKey: queue }, "hello");
 * ```
 */
export class OpenTelemetryTracer implements MessageTracer {
  readonly #tracer: Tracer;
  readonly #begins: boolean;

  /**
   * A tracer; nothing is spent until there are messages.
   *
   * @param options Which messages.
   */
  constructor(options: OpenTelemetryTracerOptions = {}) {
    this.#tracer = trace.getTracer("warren");
    this.#begins = options.messages !== "continued";
  }

  /** An operation begins. */
  begin(operation: TracedOperation): MessageSpan | undefined {
    const { headers } = operation.properties;
    const carried = headers === undefined
      ? ROOT_CONTEXT
      : propagation.extract(ROOT_CONTEXT, headers, HEADERS);
    const of = trace.getSpanContext(carried);
    const isTraced = of !== undefined && isSpanContextValid(of);
    return operation.name === "send"
      ? this.#send(operation, isTraced ? of : undefined)
      : this.#goOn(operation, carried, isTraced ? of : undefined);
  }

  /** What a program sends belongs to what it is doing; unless it says itself what the message belongs
   * to, which stays. */
  #send(operation: TracedOperation, given: SpanContext | undefined): MessageSpan | undefined {
    const active = context.active();
    const doing = trace.getSpanContext(active);
    if (doing === undefined ? !this.#begins : !isRecorded(doing)) return undefined;
    const span = this.#start(operation, active, given);
    return new OpenSpan(span, active, given === undefined);
  }

  /** All else belongs to what the message carries. */
  #goOn(
    operation: TracedOperation,
    carried: Context,
    of: SpanContext | undefined,
  ): MessageSpan | undefined {
    if (of === undefined ? !this.#begins : !isRecorded(of)) return undefined;
    const passesOn = operation.name !== "receive" && operation.name !== "process";
    return new OpenSpan(this.#start(operation, carried), carried, passesOn);
  }

  #start(operation: TracedOperation, parent: Context, linked?: SpanContext): Span {
    return this.#tracer.startSpan(spanName(operation), {
      kind: OPERATIONS[operation.name].kind,
      attributes: attributesOf(operation),
      ...(linked === undefined ? {} : { links: [{ context: linked }] }),
    }, parent);
  }
}

/** True when somebody makes spans of what OpenTelemetry's API is told: in Deno, the runtime itself when it
 * was started with `OTEL_DENO=true`. */
export function hasTracerProvider(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) ||
    provider.getDelegateTracer("warren") !== undefined;
}

/** Not all tracers ask whether the parent of a span is recorded. */
function isRecorded({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** A span until its end. */
class OpenSpan implements MessageSpan {
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly #span: Span;
  readonly #context: Context;

  constructor(span: Span, parent: Context, passesOn: boolean) {
    this.#span = span;
    this.#context = trace.setSpan(parent, span);
    this.headers = passesOn ? headersOf(this.#context) : undefined;
  }

  run<Result>(callback: () => Result): Result {
    return context.with(this.#context, callback);
  }

  end({ error, queues }: TracedOutcome = {}): void {
    if (queues !== undefined) this.#span.setAttribute("warren.queues", queues);
    if (error !== undefined) {
      const message = error instanceof Error ? error.message : `${error}`;
      this.#span.setAttribute("error.type", errorType(error));
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    this.#span.end();
  }
}

/** Undefined when there is nothing to be passed on: nobody is registered, for example. */
function headersOf(of: Context): Readonly<Record<string, string>> | undefined {
  const headers: Record<string, string> = {};
  propagation.inject(of, headers);
  return Object.keys(headers).length === 0 ? undefined : headers;
}

/** What kind of error: by the protocol's names where it has one. */
function errorType(error: unknown): string {
  if (error instanceof AmqpError) return error.message.split(" ", 1)[0]!;
  return error instanceof Error ? error.name : "_OTHER";
}

/** Reads a message's headers. Those of some clients are bytes. */
const HEADERS = {
  get(headers: FieldTable, key: string): string | undefined {
    const value = headers[key];
    if (value instanceof Uint8Array) return new TextDecoder().decode(value);
    return typeof value === "string" ? value : undefined;
  },
  keys: (headers: FieldTable): string[] => Object.keys(headers),
};

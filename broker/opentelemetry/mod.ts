/**
 * Spans for messages by OpenTelemetry: of a broker, of its clients, or of both.
 *
 * @module
 */
export type { MessageSpan, MessageTracer } from "../amqp/tracer.ts";
export type { TracedOperation, TracedOperationName, TracedOutcome } from "../amqp/tracer.ts";
export {
  hasTracerProvider,
  OpenTelemetryTracer,
  type OpenTelemetryTracerOptions,
} from "./tracer.ts";

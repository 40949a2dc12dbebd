import type { MessageSpan, MessageTracer, TracedOperation, TracedOutcome } from "../../mod.ts";

/** What a tracer was told of one operation. */
export interface RecordedSpan {
  readonly operation: TracedOperation;
  /** What the message carried: the name of the span before. */
  readonly parent: unknown;
  /** The name of this one. */
  readonly id: string;
  outcome?: TracedOutcome;
}

/** A tracer that names its spans `1`, `2`, … and passes the name on in the header `trace`. */
export class RecordingTracer implements MessageTracer {
  readonly spans: RecordedSpan[] = [];
  /** The name of the one that runs, while one does. */
  running: string | undefined;

  begin(operation: TracedOperation): MessageSpan | undefined {
    const parent = operation.properties.headers?.["trace"];
    if (parent === "ignored") return undefined;
    const span: RecordedSpan = { operation, parent, id: `${this.spans.length + 1}` };
    this.spans.push(span);
    const passesOn = operation.name !== "process" && operation.name !== "receive";
    return {
      headers: passesOn ? { trace: span.id } : undefined,
      run: (callback) => {
        this.running = span.id;
        try {
          return callback();
        } finally {
          this.running = undefined;
        }
      },
      end: (outcome = {}) => {
        if (span.outcome !== undefined) throw new Error(`span ${span.id} has two ends`);
        span.outcome = outcome;
      },
    };
  }

  /** What happened, as `parent > id name queue`. */
  get story(): string[] {
    return this.spans.map(({ parent, id, operation: { name, queue } }) =>
      `${parent ?? "-"} > ${id} ${name}${queue === undefined ? "" : ` ${queue}`}`
    );
  }
}

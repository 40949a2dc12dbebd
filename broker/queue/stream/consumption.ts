import { AmqpError } from "../../amqp/error.ts";
import type { FieldTable } from "../../amqp/field_table.ts";
import { typeName } from "../queue_arguments.ts";
import { parseStreamStart } from "./stream_arguments.ts";

/** What a stream looks at of `basic.consume`. */
export interface StreamConsumption {
  /** Deliveries would count as settled when they are sent. */
  readonly noAck?: boolean;
  /** How many unacked deliveries there may be; 0 for no limit. */
  readonly prefetchCount?: number;
  /** The arguments. */
  readonly arguments?: FieldTable;
}

/**
 * Checks that a consumer may read a stream: acks are what it asks for more with.
 *
 * @param queue How texts call the stream: `queue 'q' in vhost '/'`.
 * @throws {AmqpError} 406 when it has no prefetch limit or begins nowhere, 540 when it will not ack.
 */
export function checkStreamConsumer(queue: string, options: StreamConsumption): void {
  const offset = options.arguments?.["x-stream-offset"];
  if (offset !== undefined && parseStreamStart(offset, 0) === undefined) {
    const printed = typeof offset === "string" ? `<<"${offset}">>` : String(offset);
    throw new AmqpError(
      406,
      `invalid arg 'x-stream-offset' for ${queue}: ` +
        `{invalid_stream_offset_arg,{${typeName(offset)},${printed}}}`,
    );
  }
  if ((options.prefetchCount ?? 0) === 0) {
    throw new AmqpError(406, `consumer prefetch count is not set for stream ${queue}`);
  }
  if (options.noAck) {
    throw new AmqpError(540, `automatic acknowledgement not supported by stream ${queue}`);
  }
}

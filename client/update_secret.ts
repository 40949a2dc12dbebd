import { copyOf } from "../broker/amqp/byte_ranges.ts";
import { describe } from "../broker/amqp/field_value.ts";
import { connectionUpdateSecret } from "../broker/amqp/methods/connection.ts";
import { abortable, type CallOptions, checkCall } from "./abortable.ts";
import type { ConnectionCore } from "./connection_core.ts";
import { checkShortString } from "./fields.ts";

const encoder = new TextEncoder();

/** Hands the broker a new secret, and waits until it has taken it. */
export async function updateSecret(
  core: ConnectionCore,
  secret: string | Uint8Array,
  reason: string,
  options: CallOptions,
): Promise<void> {
  checkCall(options, "update secret");
  const newSecret = bytesOf(secret);
  options.signal?.throwIfAborted();
  const asked = core.ask(
    connectionUpdateSecret({ newSecret, reason: checkShortString(reason, "reason") }),
    "connection.update-secret-ok",
  );
  await abortable(asked, options.signal);
}

function bytesOf(secret: string | Uint8Array): Uint8Array {
  if (typeof secret === "string") return encoder.encode(secret);
  if (secret instanceof Uint8Array) return copyOf(secret);
  throw new TypeError(
    `Cannot update secret: it is ${describe(secret)}; give a string, or its bytes as a Uint8Array`,
  );
}

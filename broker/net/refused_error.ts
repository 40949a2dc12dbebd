/** A peer that did not get as far as AMQP. Its message goes to the log, never to the peer. */
export class RefusedError extends Error {
  /** Always `"RefusedError"`. */
  override readonly name = "RefusedError";
}

/**
 * The connection to the broker is gone and nobody said goodbye: the socket was closed or reset, the
 * broker fell silent, or did not answer in time.
 *
 * What was published without a publisher confirm may or may not have arrived. Unacked messages go
 * back to their queues.
 */
export class ConnectionLostError extends Error {
  /** Always `"ConnectionLostError"`. */
  override readonly name = "ConnectionLostError";
}

/**
 * The broker answered a published message with `basic.nack`: it could not take responsibility for
 * it, for example because a queue that it was routed to is full and rejects publishes.
 */
export class PublishNackedError extends Error {
  /** Always `"PublishNackedError"`. */
  override readonly name = "PublishNackedError";
  /** Which message: publishes count from 1 since `confirmSelect`, on each channel. */
  readonly deliveryTag: number;

  /** Makes the error for a message by its number. */
  constructor(deliveryTag: number) {
    super(`Cannot publish: the broker nacked message ${deliveryTag} of the channel`);
    this.deliveryTag = deliveryTag;
  }
}

/** The error of a call that came while the connection is being made anew. */
export function reconnecting(verb: string, cause: Error | undefined): ConnectionLostError {
  const text = `Cannot ${verb}: the connection was lost and is being made anew; ` +
    "wait for it with `connection.whenConnected()`, or use `connection.publisher()`, which waits";
  return new ConnectionLostError(text, { cause });
}

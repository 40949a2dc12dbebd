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

/**
 * A mandatory message reached no queue: the exchange has no binding for its routing key, or, for the
 * default exchange, there is no queue of that name.
 */
export class UnroutableError extends Error {
  /** Always `"UnroutableError"`. */
  override readonly name = "UnroutableError";
  /** Exchange that it was published to. */
  readonly exchange: string;
  /** Routing key that it was published with. */
  readonly routingKey: string;

  /** Makes the error for a message that came back. */
  constructor(message: { readonly exchange: string; readonly routingKey: string }) {
    const { exchange, routingKey } = message;
    super(
      exchange === ""
        ? `Cannot publish: there is no queue ${JSON.stringify(routingKey)}`
        : `Cannot publish: exchange ${JSON.stringify(exchange)} has no binding for routing key ` +
          JSON.stringify(routingKey),
    );
    this.exchange = exchange;
    this.routingKey = routingKey;
  }
}

/**
 * The broker closed the connection again and again, each time while this message was under way and no
 * other one of its publisher, the last time while no other publisher or RPC client sent anything: it is
 * not published once more. The same goes for a call. What the broker closed the connection with is the
 * `cause`, an `AmqpError` such as 501 or 541. What the program published on channels of its own meanwhile
 * is not to blame: a connection has lived on with it and without this message. Acks and declarations may
 * be.
 */
export class PoisonMessageError extends Error {
  /** Always `"PoisonMessageError"`. */
  override readonly name = "PoisonMessageError";
  /** How many connections in a row. */
  readonly ends: number;

  /** Makes the error for a message by what it led to. */
  constructor(ends: number, cause: Error) {
    super(
      `Cannot publish: the broker closed the connection ${ends} times in a row while only this ` +
        `message was under way, the last time with ${cause.message}`,
      { cause },
    );
    this.ends = ends;
  }
}

/** A publisher holds as many messages as it may, because the broker takes none or is gone. The message
 * was not taken: publish it later, and await each publish. */
export class BufferFullError extends Error {
  /** Always `"BufferFullError"`. */
  override readonly name = "BufferFullError";

  /** Makes the error. */
  constructor(why: string) {
    super(`Cannot publish: ${why}; await each publish, or raise the publisher's limits`);
  }
}

/** A body cannot be encoded or decoded: its content type or encoding has no codec, or the codec
 * refused it, which is the cause then. */
export class CodecError extends TypeError {
  /** Always `"CodecError"`. */
  override readonly name = "CodecError";
}

/** The server of an RPC failed: its handler threw, or it could not read the request. */
export class RpcError extends Error {
  /** Always `"RpcError"`. */
  override readonly name = "RpcError";
  /** What the error was called there, such as `RangeError`. */
  readonly remoteName: string;

  /** Makes the error of what the server told. */
  constructor(remoteName: string, message: string) {
    super(message);
    this.remoteName = remoteName;
  }
}

/** Something was used that this program has closed, or that was closed with its connection. */
export class ClosedError extends TypeError {
  /** Always `"ClosedError"`. */
  override readonly name = "ClosedError";

  /**
   * Makes the error.
   *
   * @param verb What was to be done, such as `publish`.
   * @param what What is closed, such as `channel`.
   * @param instead What to do.
   */
  constructor(verb: string, what: string, instead: string) {
    super(`Cannot ${verb}: ${what} is closed; ${instead}`);
  }
}

/** The error of a call that came while the connection is being made anew. */
export function reconnecting(verb: string, cause: Error | undefined): ConnectionLostError {
  const text = `Cannot ${verb}: the connection was lost and is being made anew; ` +
    "wait for it with `connection.whenConnected()`, or use `connection.publisher()`, which waits";
  return new ConnectionLostError(text, { cause });
}

import { REPLY_CODES } from "./constants.ts";

/**
 * An exception as AMQP 0-9-1 knows it: a reply code and text that close a channel (soft) or a
 * connection (hard).
 *
 * Raised inside the broker where a rule is broken, and given to the user of the client when the
 * broker closed something. Specification, section 4.10.
 *
 * @example The text follows RabbitMQ's form
 * ```ts
 * import { AmqpError } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new AmqpError(404, "no queue 'jobs' in vhost '/'");
 * assertEquals(error.message, "NOT_FOUND - no queue 'jobs' in vhost '/'");
 * assertEquals(error.hard, false);
 * ```
 */
export class AmqpError extends Error {
  /** Always `"AmqpError"`. */
  override readonly name = "AmqpError";
  /** The reply code, such as 404. */
  readonly replyCode: number;
  /** True when it closes the connection, false when only the channel. */
  readonly hard: boolean;
  /** The class of the method that failed; 0 when none did. */
  classId = 0;
  /** The method that failed; 0 when none did. */
  methodId = 0;

  /**
   * Makes an error.
   *
   * @param replyCode One of the specification's reply codes.
   * @param reason What is wrong, without the code's name, which is put in front.
   * @param options `cause`, as for any error.
   */
  constructor(replyCode: number, reason: string, options?: ErrorOptions) {
    const reply = REPLY_CODES.get(replyCode);
    super(`${reply?.name ?? replyCode} - ${reason}`, options);
    this.replyCode = replyCode;
    this.hard = reply?.hard ?? true;
  }

  /**
   * Makes the error that a close method of the peer stands for; its text is kept as it came.
   *
   * @param close The fields of `channel.close` or `connection.close`.
   * @returns The error, with the class and method that the peer blamed.
   */
  static fromClose(
    close: {
      readonly replyCode: number;
      readonly replyText: string;
      readonly classId: number;
      readonly methodId: number;
    },
  ): AmqpError {
    const error = new AmqpError(close.replyCode, "");
    error.message = close.replyText;
    return error.during(close);
  }

  /**
   * Fills in what was being done, unless a deeper layer already did.
   *
   * @param method The method that failed.
   * @returns This error.
   */
  during(method: { readonly classId: number; readonly methodId: number }): this {
    if (this.classId === 0) {
      this.classId = method.classId;
      this.methodId = method.methodId;
    }
    return this;
  }
}

import { AmqpError } from "../broker/amqp/error.ts";
import { EncodeError } from "../broker/amqp/field_value.ts";
import { MethodTooLargeError } from "../broker/amqp/frame_writer.ts";
import type { Link } from "../broker/amqp/link.ts";
import type { Method } from "../broker/amqp/methods/mod.ts";

/**
 * Sends a request, whose arguments may take more than the one frame that it has to be in.
 *
 * @throws {EncodeError} When they do; nothing is sent then.
 */
export function sendRequest(link: Link, channel: number, method: Method): void {
  try {
    link.send(channel, method);
  } catch (error) {
    // no broker has said that
    if (error instanceof AmqpError) throw tooLarge(method, error);
    throw error;
  }
}

function tooLarge({ name }: Method, error: AmqpError): EncodeError {
  if (!(error instanceof MethodTooLargeError)) {
    return new EncodeError(`Cannot send ${name}: ${error.message}`);
  }
  const { size, sizeMax } = error;
  return new EncodeError(
    `Cannot send ${name}: it takes ${size} octets, and a frame of this connection has at most ` +
      `${sizeMax}; make names and arguments smaller, or raise the frameMax of both ends`,
  );
}

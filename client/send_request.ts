import { AmqpError } from "../broker/amqp/error.ts";
import { EncodeError } from "../broker/amqp/field_value.ts";
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
  const size = /(\d+) bytes does not fit frame-max (\d+)/.exec(error.message);
  if (size === null) return new EncodeError(`Cannot send ${name}: ${error.message}`);
  const [, octets, frameMax] = size;
  return new EncodeError(
    `Cannot send ${name}: it takes ${octets} octets, and a frame of this connection has at most ` +
      `${
        Number(frameMax) - 8
      }; make names and arguments smaller, or raise the frameMax of both ends`,
  );
}

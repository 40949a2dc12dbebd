import { AmqpError } from "../amqp/error.ts";

/** What a random name is written with: base64 as it is safe in URLs. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Where a consumer of direct reply-to says that it consumes. */
export const DIRECT_REPLY_TO = "amq.rabbitmq.reply-to";

/** True for it, and for the name that LavinMQ has for it. */
export function isDirectReplyTo(name: string | undefined): boolean {
  return name === DIRECT_REPLY_TO || name === "amq.direct.reply-to";
}

/** True for what only direct reply-to may be called: no queue has such a name. */
export function isReplyAddress(name: string): boolean {
  return name.startsWith(DIRECT_REPLY_TO) || isDirectReplyTo(name);
}

/**
 * Makes a name that nobody can guess: a prefix and 22 characters for 16 random octets, as RabbitMQ
 * makes them.
 *
 * @param prefix Such as `amq.gen-`.
 */
export function generatedName(prefix: string): string {
  const octets = crypto.getRandomValues(new Uint8Array(18));
  let name = prefix;
  for (let at = 0; at < 18; at += 3) {
    const bits = octets[at]! << 16 | octets[at + 1]! << 8 | octets[at + 2]!;
    name += ALPHABET[bits >> 18]! + ALPHABET[bits >> 12 & 63]! + ALPHABET[bits >> 6 & 63]! +
      ALPHABET[bits & 63]!;
  }
  return name.slice(0, prefix.length + 22);
}

/** A name without the line breaks that RabbitMQ takes out of it where something is declared, bound or
 * deleted, and nowhere else. */
export function cleanName(name: string): string {
  return name.replace(/[\r\n]/g, "");
}

/**
 * Refuses names that only the broker may give.
 *
 * @throws {AmqpError} 403 when the name begins with `amq.`.
 */
export function refuseReserved(kind: "queue" | "exchange", name: string): void {
  if (name.startsWith("amq.")) {
    throw new AmqpError(403, `${kind} name '${name}' contains reserved prefix 'amq.*'`);
  }
}

/** @throws {AmqpError} 403 when it is the default exchange, which stays as it is. */
export function refuseDefault(exchange: string): void {
  if (exchange === "") {
    throw new AmqpError(403, "operation not permitted on the default exchange");
  }
}

/** How texts call a queue. */
export function queueText(name: string, vhost: string): string {
  return `queue '${name}' in vhost '${vhost}'`;
}

/** How texts call an exchange. */
export function exchangeText(name: string, vhost: string): string {
  return `exchange '${name}' in vhost '${vhost}'`;
}

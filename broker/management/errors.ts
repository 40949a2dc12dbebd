import { AmqpError } from "../amqp/error.ts";
import type { JsonValue } from "../mod.ts";
import { DefinitionError } from "../mod.ts";

/** Why a request was not done, in RabbitMQ's words. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  /** The status. */
  readonly status: number;
  /** A word for programs, such as `bad_request`. */
  readonly error: string;
  /** Why. */
  readonly reason: JsonValue;

  constructor(status: number, error: string, reason: JsonValue) {
    super(`${status} ${error}: ${JSON.stringify(reason)}`);
    this.status = status;
    this.error = error;
    this.reason = reason;
  }
}

/** There is no such thing. */
export function notFound(): HttpError {
  return new HttpError(404, "Object Not Found", "Not Found");
}

/** There is no such vhost, to which something was to be added. */
export function noVhost(): HttpError {
  return new HttpError(404, "not_found", "vhost_not_found");
}

/** The request makes no sense. */
export function badRequest(reason: JsonValue): HttpError {
  return new HttpError(400, "bad_request", reason);
}

/** Who is asking may not. */
export function notAuthorised(reason: string): HttpError {
  return new HttpError(401, "not_authorised", reason);
}

/** What is told of something that was thrown; undefined when it is a bug. */
export function toHttpError(cause: unknown): HttpError | undefined {
  if (cause instanceof HttpError) return cause;
  if (cause instanceof AmqpError) return ofAmqp(cause);
  if (!(cause instanceof DefinitionError)) return undefined;
  const { code, message } = cause;
  if (code === "not-found") return notFound();
  if (code === "protected") return new HttpError(412, "precondition_failed", message);
  return badRequest(message.startsWith("Validation failed") ? `${message}\n` : message);
}

/** The text of an AMQP error without the name of its code. */
export function plainText({ message }: AmqpError): string {
  return message.replace(/^[A-Z_]+ - /, "");
}

/** True when who is asking may not enter the vhost: an administrator sees it all the same. */
export function isForbidden(error: AmqpError): boolean {
  return error.replyCode === 530 && plainText(error).startsWith("access to vhost");
}

function ofAmqp(error: AmqpError): HttpError {
  const text = plainText(error);
  if (error.replyCode === 403) return notAuthorised("Access refused.");
  if (error.replyCode === 404) return new HttpError(404, "not_found", text);
  if (isForbidden(error)) return notAuthorised("Access refused.");
  return badRequest(text);
}

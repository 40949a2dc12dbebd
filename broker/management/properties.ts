import { DEFAULT_FRAME_MAX } from "../amqp/constants.ts";
import { normaliseTable } from "../amqp/field_table.ts";
import { checkHeaderSize } from "../amqp/header_size.ts";
import type { BasicProperties } from "../amqp/properties.ts";
import { allDigits, argumentsToJson } from "../json_arguments.ts";
import type { JsonValue } from "../mod.ts";
import { isObject } from "./body.ts";
import { badRequest } from "./errors.ts";

/** The properties that are texts, by their names in the API. */
const TEXTS = {
  content_type: "contentType",
  content_encoding: "contentEncoding",
  correlation_id: "correlationId",
  reply_to: "replyTo",
  expiration: "expiration",
  message_id: "messageId",
  type: "type",
  user_id: "userId",
  app_id: "appId",
  cluster_id: "clusterId",
} as const;

/** The names of all properties but headers in the API. */
export const PROPERTY_NAMES: readonly string[] = [
  ...Object.keys(TEXTS),
  "delivery_mode",
  "priority",
  "timestamp",
];

/**
 * Properties as the API has them.
 *
 * @throws {HttpError} 400 when one of them cannot be what it is, or they fit no frame of usual size: whoever
 * is delivered such a message loses its connection.
 */
export function readProperties(value: JsonValue): BasicProperties {
  // an empty object is an empty list to clients in PHP
  const given = Array.isArray(value) && value.length === 0 ? {} : value;
  if (!isObject(given)) throw badRequest(["properties_not_object", value]);
  const properties: Record<string, unknown> = {};
  for (const [name, own] of Object.entries(TEXTS)) {
    const text = given[name];
    if (text === undefined) continue;
    if (typeof text !== "string") throw badRequest(["not_string", name]);
    properties[own] = text;
  }
  const number = (name: string): number | undefined => {
    const found = given[name];
    if (found === undefined) return undefined;
    const whole = typeof found === "string" && /^\d+$/.test(found) ? Number(found) : found;
    if (typeof whole === "number" && Number.isSafeInteger(whole)) return whole;
    throw badRequest(["not_int", name]);
  };
  const deliveryMode = number("delivery_mode");
  const priority = number("priority");
  const seconds = number("timestamp");
  if (deliveryMode !== undefined) properties["deliveryMode"] = deliveryMode;
  if (priority !== undefined) properties["priority"] = priority;
  if (seconds !== undefined) properties["timestamp"] = new Date(seconds * 1000);
  const { headers } = given;
  // a list is none, as RabbitMQ takes it
  const isNone = headers === undefined || Array.isArray(headers);
  if (!isNone && !isObject(headers)) throw badRequest(["headers_not_object", headers]);
  if (isObject(headers)) {
    try {
      properties["headers"] = normaliseTable(headers);
      // all of them are in that frame
      checkHeaderSize(properties as BasicProperties, DEFAULT_FRAME_MAX);
    } catch (error) {
      throw error instanceof TypeError ? badRequest(error.message) : error;
    }
  }
  return properties as BasicProperties;
}

/** Properties in the API's form, to make a text of; none at all are an empty list, as in RabbitMQ. */
export function describeProperties(properties: BasicProperties): JsonValue {
  const told: Record<string, JsonValue> = {};
  const { headers, deliveryMode, priority, timestamp } = properties;
  for (const [name, own] of Object.entries(TEXTS)) {
    const text = properties[own];
    if (text !== undefined) told[name] = text;
  }
  if (headers !== undefined) told["headers"] = argumentsToJson(headers, allDigits);
  if (deliveryMode !== undefined) told["delivery_mode"] = deliveryMode;
  if (priority !== undefined) told["priority"] = priority;
  if (timestamp !== undefined) told["timestamp"] = Math.floor(timestamp.getTime() / 1000);
  return Object.keys(told).length === 0 ? [] : told;
}

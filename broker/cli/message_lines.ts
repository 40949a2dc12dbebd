import type { ReceivedMessage } from "../../client/received_message.ts";
import { describePayload } from "../management/payload.ts";
import { describeProperties } from "../management/properties.ts";
import type { Terminal } from "./terminal.ts";

/** How messages are printed. */
export const MESSAGE_FORMATS = ["text", "json"] as const;

/** One of them. */
export type MessageFormat = typeof MESSAGE_FORMATS[number];

/** How it is asked for. */
export const MESSAGE_FORMAT_OPTION =
  `  --format FORMAT    text: the bodies, one a line; json: an object a line, with properties
                     (default: text)`;

/** Prints a message. False when nobody reads it any more. */
export async function printMessage(
  message: ReceivedMessage & { readonly redelivered?: boolean },
  { format, terminal }: { readonly format: MessageFormat; readonly terminal: Terminal },
): Promise<boolean> {
  if (format === "text") return await terminal.write(`${message.text()}\n`);
  const { exchange, routingKey, redelivered } = message;
  return await terminal.write(`${
    JSON.stringify({
      exchange,
      routing_key: routingKey,
      redelivered,
      properties: describeProperties(message.properties),
      ...describePayload(message.body, "auto"),
    })
  }\n`);
}

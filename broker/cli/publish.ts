import { TextLineStream } from "@std/streams";
import type { BasicProperties } from "../amqp/properties.ts";
import { PROPERTY_NAMES, readProperties } from "../management/properties.ts";
import { HttpError } from "../management/errors.ts";
import type { JsonValue } from "../policy/json.ts";
import { AMQP_OPTION_NAMES, AMQP_OPTIONS, connectTo } from "./amqp_options.ts";
import { type Arguments, checkName, readArguments, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { talking } from "./talking.ts";
import type { Terminal } from "./terminal.ts";

/** So many messages wait for their confirms at most. */
const WINDOW = 1000;

const USAGE = `Usage: deno run -A broker/main.ts publish [MESSAGE] [options]

Publishes a message, and waits until the broker has confirmed it. Without MESSAGE it is what comes
from standard input. Ends with 1 when no queue got it.

Options:
  --exchange NAME    where to (default: the default exchange)
  --routing-key KEY  the routing key; with the default exchange the name of a queue
  --property N=VALUE a property, such as content_type=text/plain or delivery_mode=2;
                     may be there more than once
  --header N=VALUE   a header; numbers, true and false are what they look like
  --file FILE        the message is what is in this file
  --lines            each line of standard input or FILE is a message
  --count N          so many times (default: 1)
${AMQP_OPTIONS}
  --help             print this`;

/** `publish`: messages into an exchange. */
export const publish: Command = {
  summary: "publish a message, or each line of a file",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = readArguments(args, {
        flags: ["lines"],
        options: [
          "exchange",
          "routing-key",
          "property",
          "header",
          "file",
          "count",
          ...AMQP_OPTION_NAMES,
        ],
        rest: 1,
      });
      if (given.has("help")) {
        terminal.say(USAGE);
        return 0;
      }
      return await publishAll(given, terminal);
    }),
};

async function publishAll(given: Arguments, terminal: Terminal): Promise<number> {
  const properties = readMessageProperties(given);
  const count = readCount(given) ?? 1;
  const message = {
    exchange: checkName(given.value("exchange") ?? "", "--exchange"),
    routingKey: checkName(given.value("routing-key") ?? "", "--routing-key"),
    mandatory: true,
    properties,
  };
  await using connection = await connectTo(given, terminal);
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  let [published, returned] = [0, 0];
  channel.onReturn = () => void returned++;
  for (let time = 0; time < count; time++) {
    for await (const body of bodies(given, terminal)) {
      const confirmed = encoding(() => channel.basicPublish(message, body));
      confirmed?.catch(() => {}); // told by waitForConfirms
      if (++published % WINDOW === 0) await channel.waitForConfirms();
    }
  }
  await channel.waitForConfirms();
  if (returned === 0) return 0;
  terminal.complain(
    `warren: no queue got ${published === 1 ? "it" : `${returned} of ${published} messages`}`,
  );
  return 1;
}

/** What cannot be put into a message is told as it is where it was said. */
function encoding<T>(publish: () => T): T {
  try {
    return publish();
  } catch (error) {
    if (!(error instanceof TypeError) || error.name !== "EncodeError") throw error;
    throw new UsageError(`--property or --header makes no sense: ${error.message}`);
  }
}

async function* bodies(
  given: Arguments,
  terminal: Terminal,
): AsyncGenerator<Uint8Array | string> {
  const [text] = given.rest;
  const file = given.value("file");
  if (text !== undefined) {
    if (file !== undefined || given.has("lines")) {
      throw new UsageError("a MESSAGE goes with neither --file nor --lines");
    }
    yield text;
    return;
  }
  const source = file === undefined ? terminal.input() : (await Deno.open(file)).readable;
  if (!given.has("lines")) yield new Uint8Array(await new Response(source).arrayBuffer());
  else yield* source.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
}

/** Reads `--count`. */
export function readCount(given: Arguments): number | undefined {
  const text = given.value("count");
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`--count takes a number from 1, not '${text}'`);
}

function readMessageProperties(given: Arguments): BasicProperties {
  const headers = pairs(given.values("header"), "header", (text): JsonValue => {
    if (text === "true" || text === "false") return text === "true";
    return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text;
  });
  const properties = pairs(given.values("property"), "property", (text): JsonValue => text);
  const strange = Object.keys(properties).find((name) => !PROPERTY_NAMES.includes(name));
  if (strange !== undefined) {
    throw new UsageError(`--property takes ${PROPERTY_NAMES.join(", ")}, not '${strange}'`);
  }
  try {
    return readProperties({
      ...properties,
      ...numeric(properties),
      ...Object.keys(headers).length === 0 ? {} : { headers },
    });
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    throw new UsageError(`--property or --header makes no sense: ${JSON.stringify(error.reason)}`);
  }
}

/** Those of them that are numbers. */
function numeric(properties: Readonly<Record<string, JsonValue>>): Record<string, JsonValue> {
  const names = ["delivery_mode", "priority", "timestamp"].filter((name) => name in properties);
  return Object.fromEntries(names.map((name) => [name, Number(properties[name])]));
}

function pairs(
  given: readonly string[],
  option: string,
  read: (text: string) => JsonValue,
): Record<string, JsonValue> {
  return Object.fromEntries(given.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--${option} takes NAME=VALUE, not '${text}'`);
    return [text.slice(0, at), read(text.slice(at + 1))];
  }));
}

import { TextLineStream } from "@std/streams";
import type { BasicProperties } from "../amqp/properties.ts";
import { PROPERTY_NAMES, readProperties } from "../management/properties.ts";
import { HttpError } from "../management/errors.ts";
import type { JsonValue } from "../policy/json.ts";
import { AMQP_OPTION_NAMES, AMQP_OPTIONS, connectTo } from "./amqp_options.ts";
import { type Arguments, checkName, type Known, readArguments, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { talking } from "./talking.ts";
import type { Terminal } from "./terminal.ts";

/** So many messages wait for their confirms at most. */
const WINDOW = 1000;

/** So many bytes are kept at most: RabbitMQ can be told to take messages of this size, and none larger. */
const WHOLE_MAX = 512 * 1024 * 1024;

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
  --count N          so many times (default: 1); standard input is kept for it, up to 512 MiB
${AMQP_OPTIONS}
  --help             print this`;

/** What it may be given. */
const KNOWN: Known = {
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
};

/** `publish`: messages into an exchange. */
export const publish: Command = {
  known: KNOWN,
  summary: "publish a message, or each line of a file",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = readArguments(args, KNOWN);
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
  const source = sourceOf(given, terminal, count);
  for (let time = 0; time < count; time++) {
    for await (const body of bodies(given, source)) {
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

/** Gives what messages are made of, from its beginning each time that it is called. */
type Source = () => Promise<ReadableStream<Uint8Array>>;

function sourceOf(given: Arguments, terminal: Terminal, count: number): Source {
  const file = given.value("file");
  if (file !== undefined) return async () => (await Deno.open(file)).readable;
  if (count === 1) return () => Promise.resolve(terminal.input());
  // standard input can be read once
  let kept: Promise<Uint8Array<ArrayBuffer>> | undefined;
  return async () => ReadableStream.from([await (kept ??= readWhole(terminal.input()))]);
}

async function* bodies(
  given: Arguments,
  source: Source,
): AsyncGenerator<Uint8Array | string> {
  const [text] = given.rest;
  if (text !== undefined) {
    if (given.value("file") !== undefined || given.has("lines")) {
      throw new UsageError("a MESSAGE goes with neither --file nor --lines");
    }
    yield text;
    return;
  }
  const stream = await source();
  if (!given.has("lines")) yield await readWhole(stream);
  else yield* stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
}

/** @throws {UsageError} When it is more than any broker takes as a message. */
async function readWhole(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > WHOLE_MAX) {
      throw new UsageError(
        `a message, or what --count repeats of standard input, has at most ${WHOLE_MAX} bytes`,
      );
    }
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
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

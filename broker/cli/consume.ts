import { AMQP_OPTION_NAMES, AMQP_OPTIONS, connectTo } from "./amqp_options.ts";
import {
  type Arguments,
  checkName,
  type Known,
  readArguments,
  readWord,
  UsageError,
} from "./arguments.ts";
import type { Command } from "./command.ts";
import { MESSAGE_FORMAT_OPTION, MESSAGE_FORMATS, printMessage } from "./message_lines.ts";
import { readCount } from "./publish.ts";
import { talking } from "./talking.ts";

/** What AMQP takes at most. */
const PREFETCH_MAX = 65_535;

const USAGE = `Usage: deno run -A broker/main.ts consume QUEUE [options]

Prints the messages of a queue as they come, until Ctrl+C. What is printed is acked.

Options:
  --count N          ends after so many messages
  --prefetch N       so many may be on their way at once (default: 100; with --requeue as many
                     as --count, or all)
  --requeue          puts them back in the end instead of acking them
${MESSAGE_FORMAT_OPTION}
${AMQP_OPTIONS}
  --help             print this`;

/** What it may be given. */
const KNOWN: Known = {
  flags: ["requeue"],
  options: ["count", "prefetch", "format", ...AMQP_OPTION_NAMES],
  rest: 1,
};

/** `consume`: the messages of a queue, as they come. */
export const consume: Command = {
  known: KNOWN,
  summary: "print the messages of a queue as they come",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = readArguments(args, KNOWN);
      if (given.has("help")) {
        terminal.say(USAGE);
        return 0;
      }
      const [queue] = given.rest;
      if (queue === undefined) throw new UsageError("consume takes a queue");
      checkName(queue, "a queue's name");
      const count = readCount(given) ?? Infinity;
      const format = readWord(given, "format", MESSAGE_FORMATS) ?? "text";
      const prefetchCount = readPrefetch(given, count);
      await using connection = await connectTo(given, terminal);
      const channel = await connection.openChannel();
      await channel.basicQos({ prefetchCount });
      const consumer = await channel.basicConsume(queue).catch((error) => {
        if (prefetchCount > 0 || !/prefetch count is not set/.test(String(error))) throw error;
        throw new UsageError("a stream keeps its messages: leave --requeue out");
      });
      const stopped = terminal.interrupted();
      stopped.addEventListener("abort", () => void consumer.cancel().catch(() => {}));
      if (stopped.aborted) await consumer.cancel();
      let taken = 0;
      for await (const delivery of consumer) {
        const read = await printMessage(delivery, { format, terminal });
        // those that go back are kept until the end: they would come again at once
        if (read && !given.has("requeue")) delivery.ack();
        if (!read || ++taken === count || stopped.aborted) break;
      }
      await channel.close();
      return 0;
    }),
};

/** Reads `--prefetch`; 0 is no limit. */
function readPrefetch(given: Arguments, count: number): number {
  const text = given.value("prefetch");
  if (text !== undefined && !(/^[1-9]\d{0,4}$/.test(text) && Number(text) <= PREFETCH_MAX)) {
    throw new UsageError(`--prefetch takes a number from 1 to ${PREFETCH_MAX}, not '${text}'`);
  }
  // nothing is acked before the end: the broker would wait for an ack, and this for a message
  if (given.has("requeue")) {
    if (text === undefined) return count <= PREFETCH_MAX ? count : 0;
    if (Number(text) < count) {
      throw new UsageError(
        `with --requeue, --prefetch must not be below ${
          count === Infinity ? "the number of messages: leave it out, or add --count" : "--count"
        }`,
      );
    }
  }
  return Math.min(Number(text ?? 100), count);
}

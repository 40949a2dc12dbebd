import { AMQP_OPTION_NAMES, AMQP_OPTIONS, connectTo } from "./amqp_options.ts";
import { checkName, type Known, readArguments, readWord, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { MESSAGE_FORMAT_OPTION, MESSAGE_FORMATS, printMessage } from "./message_lines.ts";
import { readCount } from "./publish.ts";
import { talking } from "./talking.ts";

const USAGE = `Usage: deno run -A broker/main.ts get QUEUE [options]

Prints messages that wait in a queue, and puts them back. Ends with 1 when there is none.

Options:
  --count N          so many at most (default: 1)
  --ack              takes them out of the queue
${MESSAGE_FORMAT_OPTION}
${AMQP_OPTIONS}
  --help             print this`;

/** What it may be given. */
const KNOWN: Known = {
  flags: ["ack"],
  options: ["count", "format", ...AMQP_OPTION_NAMES],
  rest: 1,
};

/** `get`: messages that wait. */
export const get: Command = {
  known: KNOWN,
  summary: "print messages that wait in a queue",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = readArguments(args, KNOWN);
      if (given.has("help")) {
        terminal.say(USAGE);
        return 0;
      }
      const [queue] = given.rest;
      if (queue === undefined) throw new UsageError("get takes a queue");
      checkName(queue, "a queue's name");
      const count = readCount(given) ?? 1;
      const format = readWord(given, "format", MESSAGE_FORMATS) ?? "text";
      await using connection = await connectTo(given, terminal);
      const channel = await connection.openChannel();
      let got = 0;
      while (got < count) {
        const delivery = await channel.basicGet(queue);
        if (delivery === undefined) break;
        got++;
        // what is not acked goes back when the channel closes
        const read = await printMessage(delivery, { format, terminal });
        if (read && given.has("ack")) delivery.ack();
        if (!read) break;
      }
      await channel.close();
      if (got > 0) return 0;
      terminal.complain(`warren: no message waits in '${queue}'`);
      return 1;
    }),
};

import { AMQP_OPTION_NAMES, AMQP_OPTIONS, connectTo } from "./amqp_options.ts";
import { checkName, type Known, readArguments, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { talking } from "./talking.ts";

const USAGE = `Usage: deno run -A broker/main.ts purge QUEUE [options]

Deletes the messages that wait in a queue, and says how many there were. Those that a consumer has
stay.

Options:
${AMQP_OPTIONS}
  --help             print this`;

/** What it may be given. */
const KNOWN: Known = { flags: [], options: AMQP_OPTION_NAMES, rest: 1 };

/** `purge`: empties a queue. */
export const purge: Command = {
  known: KNOWN,
  summary: "delete the messages that wait in a queue",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = readArguments(args, KNOWN);
      if (given.has("help")) {
        terminal.say(USAGE);
        return 0;
      }
      const [queue] = given.rest;
      if (queue === undefined) throw new UsageError("purge takes a queue");
      checkName(queue, "a queue's name");
      await using connection = await connectTo(given, terminal);
      const channel = await connection.openChannel();
      const { messageCount } = await channel.queuePurge(queue);
      terminal.say(`${messageCount} message${messageCount === 1 ? "" : "s"} deleted`);
      return 0;
    }),
};

import type { JsonValue } from "../policy/json.ts";
import { type Arguments, type Known, readArguments, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import {
  MANAGEMENT_OPTION_NAMES,
  MANAGEMENT_OPTIONS,
  managementClient,
} from "./management_options.ts";
import { talking } from "./talking.ts";

const OPTIONS = `Options:
  --vhost VHOST      of this vhost alone
${MANAGEMENT_OPTIONS}
  --help             print this`;

const EXPORT_USAGE = `Usage: deno run -A broker/main.ts definitions export [FILE] [options]

Writes what a broker has been told to have, users, vhosts, queues, policies and all, into a file that
Warren and RabbitMQ import; without FILE to standard output.

${OPTIONS}`;

const IMPORT_USAGE = `Usage: deno run -A broker/main.ts definitions import [FILE] [options]

Gives a broker that runs what is in a file of definitions, of Warren or RabbitMQ; without FILE from
standard input. What is there already stays, so that it may be done twice.

${OPTIONS}`;

/** What it may be given. */
const KNOWN: Known = {
  flags: [],
  options: ["vhost", ...MANAGEMENT_OPTION_NAMES],
  rest: 1,
};

/** `definitions export`: what a broker has, as a file. */
export const definitionsExport: Command = {
  known: KNOWN,
  summary: "write the definitions of a broker that runs into a file",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = read(args);
      if (given.has("help")) {
        terminal.say(EXPORT_USAGE);
        return 0;
      }
      const client = managementClient(given, terminal);
      const text = JSON.stringify(await client.get<JsonValue>(pathOf(given)), null, 2);
      const [file] = given.rest;
      if (file === undefined || file === "-") terminal.say(text);
      else await Deno.writeTextFile(file, `${text}\n`);
      return 0;
    }),
};

/** `definitions import`: the other way. */
export const definitionsImport: Command = {
  known: KNOWN,
  summary: "give a broker that runs what is in a file of definitions",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = read(args);
      if (given.has("help")) {
        terminal.say(IMPORT_USAGE);
        return 0;
      }
      const [file = "-"] = given.rest;
      const text = file === "-"
        ? await new Response(terminal.input()).text()
        : await Deno.readTextFile(file);
      let definitions: JsonValue;
      try {
        definitions = JSON.parse(text) as JsonValue;
      } catch {
        terminal.complain(`warren: ${file === "-" ? "standard input" : file} is no JSON`);
        return 1;
      }
      await managementClient(given, terminal, Infinity).post(pathOf(given), definitions);
      return 0;
    }),
};

function read(args: readonly string[]): Arguments {
  const given = readArguments(args, KNOWN);
  if (given.rest[0] === "") throw new UsageError("definitions take a file");
  return given;
}

function pathOf(given: Arguments): readonly string[] {
  const vhost = given.value("vhost");
  return vhost === undefined ? ["definitions"] : ["definitions", vhost];
}

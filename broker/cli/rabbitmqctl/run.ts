import {
  ApiError,
  ManagementClient,
  type Row,
  TimedOutError,
  UnreachableError,
} from "../management_client.ts";
import { managementAddress } from "../management_options.ts";
import type { Terminal } from "../terminal.ts";
import { parseCtlArguments, type ParsedArguments } from "./arguments.ts";
import {
  type CtlCall,
  type CtlCommand,
  CtlError,
  CtlStateError,
  CtlUsageError,
  EXIT,
} from "./command.ts";
import { chooseColumns } from "./columns.ts";
import { ALL_COMMANDS, helpText, nearestName, overviewText, usageText } from "./catalogue.ts";
import { isStopped } from "./errors.ts";
import { timeoutOf } from "./timeouts.ts";
import { type CtlFormatter, FORMATTERS, isForMachines, printResult } from "./output.ts";

/** The first question has so many milliseconds also of a command that must not take any. */
const FIRST_MS = 200;

/**
 * Runs a command of rabbitmqctl, told as rabbitmqctl is told, with its output and its exit status.
 *
 * @param given What follows `rabbitmqctl`.
 * @returns The exit status.
 */
export async function runRabbitmqctl(
  given: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const parsed = parseCtlArguments(given, (name) => commandOf(name)?.options);
  const { name, args, options } = parsed;
  const quietly = options["quiet"] === true || options["silent"] === true;
  if (name === undefined) {
    if (options["help"] === true) return help(undefined, terminal);
    terminal.complain(overviewText(terminal.complaintColours));
    return EXIT.usage;
  }
  if (name === "help") return help(args[0], terminal);
  const command = commandOf(name);
  if (command === undefined) return unknownCommand(name, terminal);
  if (options["help"] === true) return help(name, terminal);
  try {
    const formatter = readFormatter(options["formatter"]);
    validate(parsed, command);
    const call = callOf(parsed, terminal, timeoutOf(name, options) * 1000);
    const noBanner = quietly || isForMachines(formatter);
    const headers = options["silent"] !== true && options["no-table-headers"] !== true;
    return await run(command, call, { name, noBanner, formatter, headers });
  } catch (error) {
    if (!(error instanceof CtlUsageError)) throw error;
    terminal.complain(
      `${error.what}: ${error.message}\nArguments given:\n\t${given.join(" ")}\n\n` +
        usageText(name, terminal.complaintColours),
    );
    return error.code;
  }
}

interface Running {
  readonly name: string;
  readonly noBanner: boolean;
  readonly formatter: CtlFormatter | undefined;
  readonly headers: boolean;
}

async function run(
  command: CtlCommand,
  call: CtlCall,
  { name, noBanner, formatter, headers }: Running,
): Promise<number> {
  const { terminal } = call;
  // not before the broker has answered: a list of nothing would look like one
  let checked = false;
  const announce = async () => {
    const banner = noBanner || !checked ? undefined : await command.banner?.(call);
    if (banner !== undefined) terminal.say(banner);
  };
  try {
    command.check?.(call);
    checked = true;
    const result = await command.run(call);
    await announce();
    const node = formatter === "json" ? await call.node().catch(() => "") : "";
    printResult(result, { formatter, headers, node, terminal });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CtlError) {
      await announce().catch(() => {});
      if (formatter === "json") {
        const node = await call.node().catch(() => "");
        const value = error.value ?? { result: "error", node, message: error.message };
        terminal.complain(JSON.stringify(value));
      } else if (error.message !== "") {
        terminal.complain(error.plain ? error.message : `Error:\n${error.message}`);
      }
      return error.code;
    }
    if (error instanceof TimedOutError) {
      terminal.complain(
        `Error: operation ${name} on node ${namedNode(call)} timed out. ` +
          `Timeout value used: ${call.timeoutMs}`,
      );
      return EXIT.temporary;
    }
    if (error instanceof UnreachableError) {
      terminal.complain(
        `Error: unable to perform an operation on node '${namedNode(call)}'. ${error.message}\n` +
          "WARREN_URL in the environment says where the broker's management API is.",
      );
      return EXIT.unavailable;
    }
    if (!(error instanceof ApiError)) throw error;
    if (isStopped(error)) throw new CtlStateError("running");
    terminal.complain(
      error.status === 401
        ? `Error: ${call.client.url} refuses the user: ${error.reason}\n` +
          "WARREN_USER and WARREN_PASSWORD in the environment say who asks; it has to be an " +
          "administrator."
        : `Error:\n${error.reason}`,
    );
    return EXIT.unavailable;
  }
}

function commandOf(name: string): CtlCommand | undefined {
  return Object.hasOwn(ALL_COMMANDS, name) ? ALL_COMMANDS[name] : undefined;
}

function callOf(
  { args, options }: ParsedArguments,
  terminal: Terminal,
  timeoutMs: number,
): CtlCall {
  const url = options["url"];
  const end = Date.now() + timeoutMs;
  let least = FIRST_MS;
  const client = new ManagementClient({
    ...managementAddress({ url: typeof url === "string" ? url : undefined }, terminal),
    timeLeft() {
      const left = Math.max(least, end - Date.now());
      least = 0;
      return left;
    },
  });
  let name: Promise<string> | undefined;
  const ask = async () => {
    const { node } = await client.get<Row>(["overview"], "columns=node");
    // not everybody is told
    return typeof node === "string" ? node : String(client.url);
  };
  const named = options["node"];
  return {
    args,
    options,
    vhost: String(options["vhost"] ?? "/"),
    client,
    timeoutMs,
    terminal,
    node: () => name ??= typeof named === "string" ? Promise.resolve(named) : ask(),
  };
}

function namedNode({ options, client }: CtlCall): string {
  return String(options["node"] ?? client.url);
}

function readFormatter(text: string | true | undefined): CtlFormatter | undefined {
  if (text === undefined) return undefined;
  const known = FORMATTERS.find((one) => one === text);
  if (known === undefined) {
    throw new CtlUsageError(`--formatter takes ${FORMATTERS.join(", ")}, not '${text}'`);
  }
  return known;
}

function validate({ args, options, unknown }: ParsedArguments, command: CtlCommand): void {
  if (unknown.length > 0) {
    throw new CtlUsageError(`Invalid options for this command:\n${unknown.join("\n")}`);
  }
  const { timeout } = options;
  if (timeout !== undefined && !/^(?:-?\d+|infinity)$/.test(String(timeout))) {
    throw new CtlUsageError(`Invalid options for this command:\n--timeout : ${timeout}`);
  }
  const [least, most] = command.args ?? [0, 0];
  if (args.length < least) throw new CtlUsageError("not enough arguments.");
  if (args.length > most) throw new CtlUsageError("too many arguments.");
  if (command.columns === undefined) return;
  const strange = chooseColumns(args, []).filter((name) => !command.columns!.includes(name));
  if (strange.length > 0) {
    throw new CtlUsageError(`Info key(s) ${strange.sort().join(",")} are not supported`);
  }
}

function help(name: string | undefined, terminal: Terminal): number {
  if (name === undefined) {
    terminal.say(overviewText(terminal.colours));
    return EXIT.ok;
  }
  if (commandOf(name) === undefined) return unknownCommand(name, terminal);
  terminal.say(helpText(name, terminal.colours));
  return EXIT.ok;
}

function unknownCommand(name: string, terminal: Terminal): number {
  const near = nearestName(name);
  const more = near === undefined
    ? overviewText(terminal.complaintColours)
    : `Did you mean '${near}'? \n`;
  terminal.complain(`\nCommand '${name}' not found. \n${near === undefined ? "\n" : ""}${more}`);
  return EXIT.usage;
}

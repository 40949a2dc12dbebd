import { type Known, readArguments, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { fieldOf, FORMATS, printRows, readFormat } from "./format.ts";
import type { Row } from "./management_client.ts";
import {
  MANAGEMENT_OPTION_NAMES,
  MANAGEMENT_OPTIONS,
  managementClient,
} from "./management_options.ts";
import { talking } from "./talking.ts";

/** What there are lists of, with what is told when nobody chooses. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  queues: [
    "vhost",
    "name",
    "type",
    "durable",
    "messages_ready",
    "messages_unacknowledged",
    "messages",
    "consumers",
  ],
  exchanges: ["vhost", "name", "type", "durable", "auto_delete", "internal"],
  bindings: ["vhost", "source", "destination_type", "destination", "routing_key", "arguments"],
  connections: ["name", "user", "vhost", "state", "channels", "ssl", "user_provided_name"],
  channels: [
    "name",
    "user",
    "vhost",
    "consumer_count",
    "prefetch_count",
    "messages_unacknowledged",
    "confirm",
  ],
  consumers: [
    "queue.vhost",
    "queue.name",
    "consumer_tag",
    "ack_required",
    "prefetch_count",
    "active",
    "channel_details.connection_name",
  ],
  users: ["name", "tags"],
  vhosts: ["name", "description", "tags", "messages", "tracing"],
  permissions: ["user", "vhost", "configure", "write", "read"],
  "topic-permissions": ["user", "vhost", "exchange", "write", "read"],
  policies: ["vhost", "name", "pattern", "apply-to", "definition", "priority"],
  "operator-policies": ["vhost", "name", "pattern", "apply-to", "definition", "priority"],
  parameters: ["vhost", "component", "name", "value"],
};
/** Of these the API has lists of one vhost. */
const BY_VHOST: Readonly<Record<string, (vhost: string) => readonly string[]>> = {
  queues: (vhost) => ["queues", vhost],
  exchanges: (vhost) => ["exchanges", vhost],
  bindings: (vhost) => ["bindings", vhost],
  connections: (vhost) => ["vhosts", vhost, "connections"],
  channels: (vhost) => ["vhosts", vhost, "channels"],
  consumers: (vhost) => ["consumers", vhost],
  permissions: (vhost) => ["vhosts", vhost, "permissions"],
  "topic-permissions": (vhost) => ["vhosts", vhost, "topic-permissions"],
  policies: (vhost) => ["policies", vhost],
  "operator-policies": (vhost) => ["operator-policies", vhost],
};

/** What there are lists of. */
export const LIST_KINDS: readonly string[] = Object.keys(KINDS);

const USAGE = (kind: string) =>
  `Usage: deno run -A broker/main.ts list ${kind} [COLUMN...] [options]

Lists ${kind} of a broker that runs. Columns are fields of the management API's answers, with a dot
for a field of a field: message_stats.publish_details.rate.

Options:
  --vhost VHOST, -p  of this vhost alone
  --sort COLUMN      in the order of this column; -COLUMN: the largest first
  --format FORMAT    ${FORMATS.join(", ")} (default: table)
${MANAGEMENT_OPTIONS}
  --help             print this`;

/** What it may be given. */
const KNOWN: Known = {
  flags: [],
  options: ["vhost", "sort", "format", ...MANAGEMENT_OPTION_NAMES],
  rest: Infinity,
};

/** `list queues` and the like. */
export const listCommands: readonly (readonly [name: string, command: Command])[] = LIST_KINDS.map(
  (kind) => [`list ${kind}`, listOf(kind)],
);

function listOf(kind: string): Command {
  return {
    known: KNOWN,
    summary: `list ${kind.replace("-", " ")}`,
    run: (args, terminal) =>
      talking(terminal, async () => {
        const given = readArguments(withVhost(args), KNOWN);
        if (given.has("help")) {
          terminal.say(USAGE(kind));
          return 0;
        }
        const format = readFormat(given);
        const chosen = given.rest.flatMap((one) => one.split(",")).filter(Boolean);
        const columns = chosen.length === 0 ? KINDS[kind]! : chosen;
        const sort = given.value("sort");
        const vhost = given.value("vhost");
        const path = vhost === undefined ? [kind] : BY_VHOST[kind]?.(vhost);
        if (path === undefined) throw new UsageError(`--vhost does not go with list ${kind}`);
        const query = `columns=${columnsAsked(columns, sort).map(encodeURIComponent).join(",")}`;
        const rows = await managementClient(given, terminal).get<Row[]>(path, query);
        if (sort !== undefined) sortBy(rows, sort);
        printRows(rows, columns, { format, terminal });
        return 0;
      }),
  };
}

/** rabbitmqctl's `-p` is `--vhost` here. */
function withVhost(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.map((one, index) => one === "-p" && (end < 0 || index < end) ? "--vhost" : one);
}

/** What has to be asked for: figures that nobody wants to see are not even found out. */
function columnsAsked(columns: readonly string[], sort: string | undefined): string[] {
  return [...new Set([...columns, ...sort === undefined ? [] : [sort.replace(/^-/, "")]])];
}

function sortBy(rows: Row[], column: string): void {
  const down = column.startsWith("-");
  const name = down ? column.slice(1) : column;
  rows.sort((one, other) => {
    const [first, second] = [fieldOf(one, name) ?? "", fieldOf(other, name) ?? ""];
    if (first === second) return 0;
    return (first < second ? -1 : 1) * (down ? -1 : 1);
  });
}

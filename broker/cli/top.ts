import { type Known, readArguments, UsageError } from "./arguments.ts";
import { bold } from "./bold.ts";
import type { Command } from "./command.ts";
import type { ManagementClient, Row } from "./management_client.ts";
import {
  MANAGEMENT_OPTION_NAMES,
  MANAGEMENT_OPTIONS,
  managementClient,
} from "./management_options.ts";
import { fieldOf } from "./format.ts";
import { talking } from "./talking.ts";
import { oneLine, type Terminal } from "./terminal.ts";
import { plainTable } from "./text_table.ts";

const USAGE = `Usage: deno run -A broker/main.ts top [options]

Shows the queues with the most to do, again and again, until Ctrl+C.

Options:
  --interval SECONDS between two looks (default: 2)
  --once             looks once, and ends
  --sort COLUMN      ready, unacked, in, out, consumers or name (default: in)
  --lines N          so many queues (default: as many as there is room for)
${MANAGEMENT_OPTIONS}
  --help             print this`;

/** What the columns are made of. */
const COLUMNS: Readonly<Record<string, string>> = {
  vhost: "vhost",
  name: "name",
  ready: "messages_ready",
  unacked: "messages_unacknowledged",
  consumers: "consumers",
  in: "message_stats.publish_details.rate",
  out: "message_stats.deliver_get_details.rate",
  ack: "message_stats.ack_details.rate",
};
const SORTED = ["ready", "unacked", "in", "out", "consumers", "name"] as const;

/** Clears a terminal, and goes to its first place. */
const CLEAR = "\x1b[H\x1b[2J";
/** The line of what is shown that has the names of the columns. */
const HEAD_AT = 3;

/** What it may be given. */
const KNOWN: Known = {
  flags: ["once"],
  options: ["interval", "sort", "lines", ...MANAGEMENT_OPTION_NAMES],
};

/** `top`: the busiest queues, live. */
export const top: Command = {
  known: KNOWN,
  summary: "show the busiest queues, live",
  run: (args, terminal) =>
    talking(terminal, async () => {
      const given = readArguments(args, KNOWN);
      if (given.has("help")) {
        terminal.say(USAGE);
        return 0;
      }
      const sort = SORTED.find((one) => one === (given.value("sort") ?? "in"));
      if (sort === undefined) throw new UsageError(`--sort takes ${SORTED.join(", ")}`);
      const seconds = positive(given.value("interval") ?? "2", "interval");
      const lines = given.value("lines");
      const most = lines === undefined ? undefined : Math.ceil(positive(lines, "lines"));
      const client = managementClient(given, terminal);
      const once = given.has("once");
      const show = async (): Promise<boolean> => {
        const room = most ?? Math.max(1, (terminal.size()?.rows ?? 24) - 6);
        const screen = await look(client, { sort, room, terminal });
        return await terminal.write(once || !terminal.colours ? screen : `${CLEAR}${screen}`);
      };
      if (once) {
        await show();
        return 0;
      }
      const stopped = terminal.interrupted();
      const ended = aborted(stopped);
      let resized = Promise.withResolvers<void>();
      const stopWatching = terminal.onResize(() => resized.resolve());
      try {
        // a broker that says nothing is not waited for when the user wants an end
        while (await Promise.race([show(), ended])) {
          if (await pause(seconds * 1000, stopped, resized.promise)) return 0;
          resized = Promise.withResolvers();
        }
        return 0;
      } finally {
        stopWatching();
      }
    }),
};

/** What is shown at one time. */
async function look(
  client: ManagementClient,
  { sort, room, terminal }: {
    readonly sort: typeof SORTED[number];
    readonly room: number;
    readonly terminal: Terminal;
  },
): Promise<string> {
  const column = COLUMNS[sort]!;
  // the broker sorts, so that of many queues few are told
  const query = new URLSearchParams({
    columns: Object.values(COLUMNS).join(","),
    sort: column,
    ...sort === "name" ? {} : { sort_reverse: "true" },
    page: "1",
    page_size: `${Math.min(room, 500)}`,
  });
  const [overview, page] = await Promise.all([
    client.get<Row>(["overview"]),
    client.get<{ readonly items: Row[]; readonly total_count: number }>(["queues"], `${query}`),
  ]);
  const cells = page.items.map((row) =>
    Object.values(COLUMNS).map((name) => oneLine(String(fieldOf(row, name) ?? 0)))
  );
  const [head = "", ...body] = plainTable(Object.keys(COLUMNS), cells);
  const number = (name: string) => Number(fieldOf(overview, name) ?? 0);
  const rate = (name: string) => number(`message_stats.${name}_details.rate`).toFixed(1);
  const lines = [
    `${overview["node"] ?? overview["cluster_name"]}  ${new Date().toLocaleTimeString("en-GB")}  ` +
    `connections ${number("object_totals.connections")}  ` +
    `channels ${number("object_totals.channels")}  queues ${number("object_totals.queues")}  ` +
    `consumers ${number("object_totals.consumers")}`,
    `ready ${number("queue_totals.messages_ready")}  ` +
    `unacked ${number("queue_totals.messages_unacknowledged")}  ` +
    `in ${rate("publish")}/s  out ${rate("deliver_get")}/s  ack ${rate("ack")}/s`,
    "",
    head,
    ...body,
    ...page.total_count > page.items.length
      ? [`... and ${page.total_count - page.items.length} more`]
      : [],
  ];
  // one that went on in the next line would push the first ones out
  const { columns = Infinity } = terminal.colours ? terminal.size() ?? {} : {};
  const fitting = lines.map((line) => [...line].slice(0, columns).join(""));
  fitting[HEAD_AT] = bold(fitting[HEAD_AT]!, terminal.colours);
  return `${fitting.join("\n")}\n`;
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0 && value <= 86_400) return value;
  throw new UsageError(`--${option} takes a number above 0, not '${text}'`);
}

/** False when it is to end. */
function aborted(stopped: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (stopped.aborted) resolve(false);
    else stopped.addEventListener("abort", () => resolve(false), { once: true });
  });
}

/** Waits, no longer than until something has happened; true when it is to end instead. */
function pause(ms: number, stopped: AbortSignal, happened: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    if (stopped.aborted) return resolve(true);
    const done = (stop: boolean) => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", stop_);
      resolve(stop);
    };
    const stop_ = () => done(true);
    const timer = setTimeout(() => done(false), ms);
    stopped.addEventListener("abort", stop_);
    happened.then(() => done(false));
  });
}

import type { JsonValue } from "../../policy/json.ts";
import type { Row } from "../management_client.ts";
import { type CtlCommand, CtlError, CtlUsageError, EXIT } from "./command.ts";
import { readJson, requireVhost, validated } from "./errors.ts";

const COLUMNS = ["vhost", "name", "pattern", "apply-to", "definition", "priority"];

/** Policies of both kinds. */
export const POLICY_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  ...commandsFor({
    path: "policies",
    set: "set_policy",
    clear: "clear_policy",
    list: "list_policies",
    setting: "Setting policy",
    clearing: "Clearing policy",
    listing: "Listing policies for vhost",
    summaries: [
      "Sets or updates a policy",
      "Clears (removes) a policy",
      "Lists all policies in a virtual host",
    ],
  }),
  ...commandsFor({
    path: "operator-policies",
    set: "set_operator_policy",
    clear: "clear_operator_policy",
    list: "list_operator_policies",
    setting: "Setting operator policy override",
    clearing: "Clearing operator policy",
    listing: "Listing operator policy overrides for vhost",
    summaries: [
      "Sets an operator policy that overrides a subset of arguments in user policies",
      "Clears an operator policy",
      "Lists operator policy overrides for a virtual host",
    ],
  }),
};

interface Kind {
  readonly path: string;
  readonly set: string;
  readonly clear: string;
  readonly list: string;
  readonly setting: string;
  readonly clearing: string;
  readonly listing: string;
  readonly summaries: readonly [set: string, clear: string, list: string];
}

function commandsFor(kind: Kind): Record<string, CtlCommand> {
  const [setting, clearing, listing] = kind.summaries;
  return {
    [kind.set]: {
      summary: setting,
      usage: "[--vhost <vhost>] [--priority <priority>] [--apply-to <apply-to>] " +
        "<name> <pattern> <definition>",
      args: [3, 3],
      options: { priority: "value", "apply-to": "value" },
      banner: ({ args: [name, pattern, definition], options, vhost }) =>
        `${kind.setting} "${name}" for pattern "${pattern}" to "${definition}" ` +
        `with priority "${options["priority"] ?? 0}" for vhost "${vhost}" ...`,
      async run({ args: [name = "", pattern = "", text = ""], options, vhost, client }) {
        const priority = Number(options["priority"] ?? 0);
        if (!Number.isInteger(priority)) {
          throw new CtlUsageError("--priority takes a whole number");
        }
        const definition = readJson<JsonValue>(text);
        await requireVhost(client, vhost);
        await validated(client.put([kind.path, vhost, name], {
          pattern,
          definition,
          priority,
          ...options["apply-to"] === undefined ? {} : { "apply-to": options["apply-to"] },
        }));
      },
    },
    [kind.clear]: {
      summary: clearing,
      usage: "[--vhost <vhost>] <name>",
      args: [1, 1],
      banner: ({ args: [name], vhost }) => `${kind.clearing} "${name}" on vhost "${vhost}" ...`,
      async run({ args: [name = ""], vhost, client }) {
        if (await client.find([kind.path, vhost, name]) === undefined) {
          throw new CtlError(EXIT.unavailable, "Parameter does not exist");
        }
        await client.delete([kind.path, vhost, name]);
      },
    },
    [kind.list]: {
      summary: listing,
      usage: "[--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
      banner: ({ vhost }) => `${kind.listing} "${vhost}" ...`,
      async run({ vhost, client }) {
        await requireVhost(client, vhost);
        const found = await client.get<Row[]>([kind.path, vhost]);
        const rows = found.map((row) => ({
          ...Object.fromEntries(COLUMNS.map((name) => [name, row[name]!])),
          definition: JSON.stringify(row["definition"]),
        }));
        return { columns: COLUMNS, rows, collected: true };
      },
    },
  };
}

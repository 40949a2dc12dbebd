import type { JsonObject, JsonValue } from "../../policy/json.ts";
import { ApiError, type Row } from "../management_client.ts";
import { chooseColumns } from "./columns.ts";
import {
  type CtlCommand,
  CtlError,
  type CtlOptions,
  type CtlRow,
  CtlUsageError,
  EXIT,
} from "./command.ts";
import { readJson, requireVhost, validated } from "./errors.ts";

const COLUMNS = [
  "name",
  "description",
  "tags",
  "default_queue_type",
  "tracing",
  "cluster_state",
  "protected_from_deletion",
  "metadata",
];

/** How a vhost is deleted that is not protected. */
const PROTECTED = "Cannot delete this virtual host: it is protected from deletion. " +
  "To lift the protection, inspect and update its metadata";

const QUEUE_TYPES = ["quorum", "stream", "classic"];

/** Vhosts, their limits and their tracing. */
export const VHOST_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  add_vhost: {
    summary: "Creates a virtual host",
    usage: '<vhost> [--description <description> --tags "<tag1>,<tag2>,<...>" ' +
      "--default-queue-type <quorum|classic|stream>]",
    args: [1, 1],
    options: { description: "value", tags: "value", "default-queue-type": "value" },
    banner: ({ args: [vhost] }) => `Adding vhost "${vhost}" ...`,
    async run({ args: [vhost = ""], options, client }) {
      // nobody makes it that could be let in
      const body = { ...readMetadata(options), grant: false };
      await validated(client.put(["vhosts", vhost], body));
    },
  },
  delete_vhost: {
    summary: "Deletes a virtual host",
    usage: "<vhost>",
    args: [1, 1],
    banner: ({ args: [vhost] }) => `Deleting vhost "${vhost}" ...`,
    async run({ args: [vhost = ""], client }) {
      await requireVhost(client, vhost);
      try {
        await client.delete(["vhosts", vhost]);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 412) throw error;
        throw new CtlError(EXIT.dataError, PROTECTED);
      }
    },
  },
  update_vhost_metadata: {
    summary: "Updates metadata (tags, description, default queue type, protection from deletion) " +
      "a virtual host",
    usage: '<vhost> [--description=<description>] [--tags="<tag1>,<tag2>,<...>"] ' +
      "[--default-queue-type=<quorum|classic|stream>] [--protected-from-deletion=<true|false>]",
    args: [1, 1],
    options: {
      description: "value",
      tags: "value",
      "default-queue-type": "value",
      "protected-from-deletion": "value",
    },
    banner: ({ args: [vhost] }) => `Updating metadata of vhost "${vhost}" ...`,
    async run({ args: [vhost = ""], options, client }) {
      const metadata = readMetadata(options);
      if (Object.keys(metadata).length === 0) throw new CtlUsageError("not enough arguments.");
      await requireVhost(client, vhost);
      await validated(client.put(["vhosts", vhost], metadata));
    },
  },
  enable_vhost_deletion_protection: {
    summary: "Protects a virtual host from deletion (until the protection is removed)",
    usage: "<vhost>",
    args: [1, 1],
    banner: ({ args: [vhost] }) =>
      `Protecting virtual host "${vhost}" from removal by updating its metadata...`,
    async run({ args: [vhost = ""], client }) {
      await requireVhost(client, vhost);
      await client.post(["vhosts", vhost, "deletion", "protection"], {});
    },
  },
  disable_vhost_deletion_protection: {
    summary: "Removes deletion protection from a virtual host (so that it can be deleted)",
    usage: "<vhost>",
    args: [1, 1],
    banner: ({ args: [vhost] }) =>
      `Removing deletion protection from virtual host "${vhost}" by updating its metadata...`,
    async run({ args: [vhost = ""], client }) {
      await requireVhost(client, vhost);
      await client.delete(["vhosts", vhost, "deletion", "protection"]);
    },
  },
  reconcile_vhosts: {
    summary: "Makes sure all virtual hosts were initialized on all reachable cluster nodes",
    usage: "",
    banner: () =>
      "Will try to initiate virtual host reconciliation on all reachable cluster nodes...",
    // there is one node, and a vhost that is there runs
    async run({ client }) {
      await client.get(["whoami"]);
      return {
        text: "Will reconcile all virtual hosts in the cluster. This operation is asynchronous.",
      };
    },
  },
  list_vhosts: {
    summary: "Lists virtual hosts",
    usage: "[--no-table-headers] [<column> ...] [--timeout <timeout>]",
    args: [0, Infinity],
    columns: COLUMNS,
    banner: () => "Listing vhosts ...",
    async run({ args, client }) {
      const columns = chooseColumns(args, ["name"]);
      const vhosts = await client.get<Row[]>(["vhosts"]);
      const rows: CtlRow[] = vhosts.map((vhost) =>
        Object.fromEntries(columns.map((name) => [name, vhost[name] ?? ""]))
      );
      return { columns, rows, collected: true };
    },
  },
  set_vhost_tags: {
    summary: "Sets virtual host tags",
    usage: "<vhost> <tag> [...]",
    args: [1, Infinity],
    banner: ({ args: [vhost, ...tags] }) =>
      `Setting tags for virtual host "${vhost}" to [${tags.join(", ")}] ...`,
    async run({ args: [vhost = "", ...tags], client }) {
      await requireVhost(client, vhost);
      await client.put(["vhosts", vhost], { tags });
    },
  },
  restart_vhost: {
    summary: "Restarts a failed vhost data stores and queues",
    usage: "[--vhost <vhost>]",
    banner: async ({ vhost, node }) =>
      `Trying to restart vhost '${vhost}' on node '${await node()}' ...`,
    async run({ vhost, client, node }) {
      await requireVhost(client, vhost);
      return { text: `Vhost '${vhost}' is already running on node '${await node()}'` };
    },
  },
  trace_on: {
    summary: "",
    usage: "[--vhost <vhost>]",
    banner: ({ vhost }) => `Starting tracing for vhost "${vhost}" ...`,
    async run({ vhost, client }) {
      await trace(client, vhost, true);
      return { text: `Trace enabled for vhost ${vhost}` };
    },
  },
  trace_off: {
    summary: "",
    usage: "[--vhost <vhost>]",
    banner: ({ vhost }) => `Stopping tracing for vhost "${vhost}" ...`,
    async run({ vhost, client }) {
      await trace(client, vhost, false);
      return { text: `Trace disabled for vhost ${vhost}` };
    },
  },
  set_vhost_limits: {
    summary: "Sets virtual host limits",
    usage: "[--vhost <vhost>] <definition>",
    args: [1, 1],
    banner: ({ args: [limits], vhost }) =>
      `Setting vhost limits to "${limits}" for vhost "${vhost}" ...`,
    async run({ args: [text = ""], vhost, client }) {
      const value = readJson<JsonValue>(text);
      await requireVhost(client, vhost);
      await validated(client.put(["parameters", "vhost-limits", vhost, "limits"], { value }));
    },
  },
  clear_vhost_limits: {
    summary: "Clears virtual host limits",
    usage: "[--vhost <vhost>]",
    banner: ({ vhost }) => `Clearing vhost "${vhost}" limits ...`,
    async run({ vhost, client }) {
      const found = await client.find<Row[]>(["vhost-limits", vhost]) ?? [];
      if (found.length === 0) throw new CtlError(EXIT.unavailable, "Parameter does not exist");
      for (const name of Object.keys(found[0]!["value"] as Row)) {
        await client.delete(["vhost-limits", vhost, name]);
      }
    },
  },
  list_vhost_limits: {
    summary: "Displays configured virtual host limits",
    usage: "[--vhost <vhost>] [--global] [--no-table-headers]",
    options: { global: "flag" },
    banner: ({ vhost, options }) =>
      options["global"] === true
        ? "Listing limits for all vhosts ..."
        : `Listing limits for vhost "${vhost}" ...`,
    async run({ vhost, options, client }) {
      if (options["global"] === true) {
        const all = await client.get<Row[]>(["vhost-limits"]);
        const rows = all.map(({ vhost, value }) => ({
          vhost: vhost!,
          limits: JSON.stringify(value),
        }));
        return { columns: ["vhost", "limits"], rows, collected: true };
      }
      await requireVhost(client, vhost);
      const [found] = await client.get<Row[]>(["vhost-limits", vhost]);
      const value = found?.["value"];
      return value === undefined ? { text: "", value: {} } : { text: JSON.stringify(value), value };
    },
  },
};

/** What options say of a vhost. */
function readMetadata(options: CtlOptions): JsonObject {
  const { description, tags, "default-queue-type": type } = options;
  const protection = options["protected-from-deletion"];
  if (type !== undefined && !QUEUE_TYPES.includes(String(type))) {
    const why = type === ""
      ? "Default queue type must not be an empty string"
      : `Default queue type must be one of: ${QUEUE_TYPES.join(", ")}. Provided: ${type}`;
    throw new CtlUsageError(`Bad argument: ${why}`, EXIT.dataError);
  }
  if (protection !== undefined && protection !== "true" && protection !== "false") {
    throw new CtlUsageError(
      `Invalid options for this command:\n--protected-from-deletion : ${protection}`,
    );
  }
  return {
    ...description === undefined ? {} : { description },
    ...tags === undefined ? {} : { tags },
    ...type === undefined ? {} : { default_queue_type: type },
    ...protection === undefined ? {} : { protected_from_deletion: protection === "true" },
  };
}

/** RabbitMQ says that it traces a vhost that it does not know: who hears that waits in vain. */
async function trace(
  client: Parameters<typeof requireVhost>[0],
  vhost: string,
  tracing: boolean,
): Promise<void> {
  await requireVhost(client, vhost);
  await client.put(["vhosts", vhost], { tracing });
}

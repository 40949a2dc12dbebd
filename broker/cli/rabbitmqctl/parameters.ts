import type { JsonValue } from "../../policy/json.ts";
import type { Row } from "../management_client.ts";
import { type CtlCommand, CtlError, EXIT } from "./command.ts";
import { readJson, requireVhost, validated } from "./errors.ts";

/** Runtime parameters, of vhosts and of all. */
export const PARAMETER_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  set_parameter: {
    summary: "Sets a runtime parameter.",
    usage: "[--vhost <vhost>] <component_name> <name> <value>",
    args: [3, 3],
    banner: ({ args: [component, name, value], vhost }) =>
      `Setting runtime parameter "${name}" for component "${component}" to "${value}" ` +
      `in vhost "${vhost}" ...`,
    async run({ args: [component = "", name = "", text = ""], vhost, client }) {
      const value = readJson<JsonValue>(text);
      await requireVhost(client, vhost);
      await validated(client.put(["parameters", component, vhost, name], { value }));
    },
  },
  clear_parameter: {
    summary: "Clears a runtime parameter.",
    usage: "[--vhost <vhost>] <component_name> <name>",
    args: [2, 2],
    banner: ({ args: [component, name], vhost }) =>
      `Clearing runtime parameter "${name}" for component "${component}" on vhost "${vhost}" ...`,
    async run({ args: [component = "", name = ""], vhost, client }) {
      if (component === "policy") {
        throw new CtlError(EXIT.unavailable, "policies may not be cleared using this method");
      }
      const path = ["parameters", component, vhost, name];
      if (await client.find(path) === undefined) throw missing();
      await client.delete(path);
    },
  },
  list_parameters: {
    summary: "Lists runtime parameters for a virtual host",
    usage: "[--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
    banner: ({ vhost }) => `Listing runtime parameters for vhost "${vhost}" ...`,
    async run({ vhost, client }) {
      await requireVhost(client, vhost);
      const found = await client.get<Row[]>(["parameters"]);
      const rows = found.filter((row) => row["vhost"] === vhost).map((row) => ({
        component: row["component"]!,
        name: row["name"]!,
        value: JSON.stringify(row["value"]),
      }));
      return { columns: ["component", "name", "value"], rows, collected: true };
    },
  },
  set_global_parameter: {
    summary: "Sets a runtime parameter.",
    usage: "<name> <value>",
    args: [2, 2],
    banner: ({ args: [name, value] }) =>
      `Setting global runtime parameter "${name}" to "${value}" ...`,
    async run({ args: [name = "", text = ""], client }) {
      const value = readJson<JsonValue>(text);
      await validated(client.put(["global-parameters", name], { value }));
    },
  },
  clear_global_parameter: {
    summary: "Clears a global runtime parameter",
    usage: "<name>",
    args: [1, 1],
    banner: ({ args: [name] }) => `Clearing global runtime parameter "${name}" ...`,
    async run({ args: [name = ""], client }) {
      const path = ["global-parameters", name];
      if (await client.find(path) === undefined) throw missing();
      await client.delete(path);
    },
  },
  list_global_parameters: {
    summary: "Lists global runtime parameters",
    usage: "[--no-table-headers] [--timeout <timeout>]",
    banner: () => "Listing global runtime parameters ...",
    async run({ client }) {
      const found = await client.get<Row[]>(["global-parameters"]);
      const rows = found.map((row) => ({
        name: row["name"]!,
        value: JSON.stringify(row["value"]),
      }));
      return { columns: ["name", "value"], rows, collected: true };
    },
  },
  set_cluster_name: {
    summary: "Sets the cluster name",
    usage: "<name>",
    args: [1, 1],
    banner: ({ args: [name] }) => `Setting cluster name to ${name} ...`,
    async run({ args: [name = ""], client }) {
      await client.put(["cluster-name"], { name });
    },
  },
};

function missing(): CtlError {
  return new CtlError(EXIT.unavailable, "Parameter does not exist");
}

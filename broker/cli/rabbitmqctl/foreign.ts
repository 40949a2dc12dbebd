import type { Row } from "../management_client.ts";
import { type CtlCommand, CtlError, EXIT } from "./command.ts";

/** What Warren has nothing for: scripts are told so, and not that there is no such word. */
const FOREIGN: Readonly<Record<string, string>> = {
  activate_free_disk_space_monitoring: "Warren always watches the room on its disk",
  change_cluster_node_type: "Warren is one node",
  deactivate_free_disk_space_monitoring: "Warren always watches the room on its disk",
  eval: "Warren runs no Erlang",
  eval_file: "Warren runs no Erlang",
  exec: "Warren runs no Elixir",
  force_boot: "Warren is one node",
  force_standalone_khepri_boot: "Warren has no Khepri",
  forget_cluster_node: "Warren is one node",
  join_cluster: "Warren is one node",
  list_channel_interceptors: "Warren's channels have no interceptors",
  remove_classic_queue_mirroring_from_policies: "Warren mirrors no queue",
  rename_cluster_node: "Warren is one node",
  rotate_logs: "This command does not rotate logs anymore [deprecated]",
  schema_info: "Warren has no Mnesia",
  set_channel_interceptor_priorities: "Warren's channels have no interceptors",
  update_cluster_nodes: "Warren is one node",
};

/** Commands that cannot do anything here. */
export const FOREIGN_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  ...Object.fromEntries(
    Object.entries(FOREIGN).map(([name, why]): [string, CtlCommand] => [name, {
      summary: `Not here: ${why}`,
      usage: "",
      args: [0, Infinity],
      run: () => {
        throw new CtlError(EXIT.unavailable, why);
      },
    }]),
  ),
  ...Object.fromEntries(["sync_queue", "cancel_sync_queue"].map((name): [string, CtlCommand] => [
    name,
    {
      summary: "Not here: no queue is mirrored",
      usage: "[--vhost <vhost>] <queue>",
      args: [1, 1],
      banner: ({ args: [queue], vhost }) =>
        name === "sync_queue"
          ? `Synchronising queue '${queue}' in vhost '${vhost}' ...`
          : `Stopping synchronising queue '${queue}' in vhost '${vhost}' ...`,
      run: async ({ args: [queue = ""], vhost, client }) => {
        const found = await client.find<Row>(["queues", vhost, queue]);
        throw new CtlError(EXIT.unavailable, found === undefined ? "not_found" : "not_mirrored");
      },
    },
  ])),
};

import { runCommand } from "../../broker/cli/commands.ts";
import { manage } from "../../broker/management/mod.ts";
import { Broker } from "../../broker/broker.ts";
import { connect } from "../../mod.ts";
import { RecordingTerminal } from "../cli/recording_terminal.ts";
import type { ControlEnded, RabbitmqServer } from "../support/rabbitmq.ts";
import type { Comparison } from "./compare.ts";
import { type Generation, PROFILES } from "./generation.ts";

/** Where all of it happens: other scenarios leave things in other vhosts. */
const VHOST = "ctl";

/** What only RabbitMQ 4 knows, or asks for; before anything is there. */
const NEW_CALLS: readonly (readonly string[])[] = [
  ["check_if_any_deprecated_features_are_used"],
  ["-s", "check_if_any_deprecated_features_are_used"],
  ["check_if_any_deprecated_features_are_used", "--formatter", "json"],
  ["has_reached_target_cluster_size"],
  ["reset_stats_db"],
  ["-q", "reset_stats_db", "--all"],
  ["has_reached_target_cluster_size", "--formatter", "json"],
];

/** What both are called with, in this order. */
const CALLS: readonly (readonly string[])[] = [
  ["add_vhost", VHOST],
  ["add_vhost", VHOST],
  ["set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*"],
  // what is declared in between is listed from here on
  ["list_queues", "-p", VHOST],
  ["-q", "list_queues", "-p", VHOST, "name", "messages", "arguments", "durable", "auto_delete"],
  ["list_queues", "-p", VHOST, "--no-table-headers", "name", "consumers"],
  ["list_queues", "-p", VHOST, "--formatter", "json", "name", "messages", "policy", "exclusive"],
  ["list_queues", "-p", VHOST, "--formatter", "csv", "name", "arguments"],
  ["-s", "list_queues", "-p", VHOST, "state", "type"],
  ["list_queues", "-p", VHOST, "--offline"],
  ["-q", "list_queues", "-p", VHOST, "--online", "name"],
  ["-q", "list_queues", "-p", VHOST, "--local", "--offline", "name"],
  ["list_queues", "-t", "x"],
  ["list_queues", "-p", VHOST, "-t", "9"],
  ["list_queues", "-p", "nope"],
  ["list_queues", "name", "foo", "bar"],
  ["list_queues", "--bogus"],
  ["-q", "list_bindings", "-p", VHOST],
  ["list_bindings", "-p", VHOST, "--formatter=json", "source_name", "routing_key", "arguments"],
  ["-q", "list_consumers", "-p", VHOST, "queue_name", "consumer_tag", "ack_required", "active"],
  ["--formatter", "erlang", "list_queues", "-p", VHOST],
  ["--formatter=erlang", "list_queues", "-p", VHOST, "name", "arguments", "durable", "type"],
  ["--formatter", "erlang", "list_queues", "-p", "nope"],
  ["--formatter", "erlang", "list_bindings", "-p", VHOST],
  ["--formatter", "erlang", "list_exchanges", "-p", VHOST],
  ["--formatter", "erlang", "list_permissions", "-p", VHOST],
  ["--formatter", "erlang", "list_vhosts", "name", "tracing"],
  ["--formatter", "erlang", "list_users"],
  ["--formatter", "erlang", "list_connections", "user", "peer_host", "state", "protocol", "ssl"],
  ["--formatter", "erlang", "list_connections", "client_properties"],
  ["--formatter", "erlang", "list_vhost_limits", "-p", VHOST],
  ["--formatter", "erlang", "list_user_limits"],
  ["--formatter", "erlang", "ping"],
  ...[
    ["check_running"],
    ["-q", "is_running"],
    ["is_running", "--formatter", "json"],
    ["is_booting"],
    ["alarms"],
    ["check_alarms"],
    ["check_alarms", "--formatter=json"],
    ["check_local_alarms"],
    ["check_virtual_hosts"],
    ["check_protocol_listener", "amqp091"],
  ].map((args) => ["--script-name", "rabbitmq-diagnostics", ...args]),
  ["list_node_auth_attempt_stats", "--by-source"],
  ["autocomplete"],
  ["autocomplete", "list_q"],
  ["autocomplete", "list_queues"],
  ["autocomplete", "zzz"],
  ["autocomplete", "--", "--qu"],
  ["autocomplete", "--", "--er"],
  ["wait"],
  ["wait", "/nope/pid", "--timeout", "1"],
  ["wait", "--pid", `${Deno.pid}`],
  ["-q", "wait", "-P", `${Deno.pid}`],
  ["wait", "--pid", "999999999"],
  ["wait", "--pid", "x"],
  ["wait", "/nope", "--pid", "3"],
  ["wait", "/"],
  ["list_exchanges", "-p", "nope"],
  ["list_unresponsive_queues", "-p", VHOST],
  ["add_user", "ctl_user", "secret"],
  ["add_user", "ctl_user", "secret"],
  ["set_user_tags", "ctl_user", "monitoring", "other"],
  ["set_user_tags", "nope", "x"],
  ["authenticate_user", "ctl_user", "secret"],
  ["authenticate_user", "ctl_user", "wrong"],
  ["list_user_permissions", "ctl_user"],
  ["list_user_permissions", "nope"],
  ["set_permissions", "-p", VHOST, "ctl_user", ".*", "a.*", "^$"],
  ["set_permissions", "-p", VHOST, "nope", "", "", ""],
  ["set_permissions", "-p", "nope", "ctl_user", "", "", ""],
  ["list_permissions", "-p", VHOST],
  ["list_permissions", "-p", VHOST, "--formatter", "csv"],
  ["list_permissions", "-p", "nope"],
  ["set_topic_permissions", "-p", VHOST, "ctl_user", "amq.topic", "a.*", "b.*"],
  ["list_topic_permissions", "-p", VHOST],
  ["list_user_topic_permissions", "ctl_user"],
  ["clear_topic_permissions", "-p", VHOST, "ctl_user"],
  ["clear_permissions", "-p", VHOST, "ctl_user"],
  ["list_user_permissions", "ctl_user"],
  ["set_policy", "-p", VHOST, "p1", "^orders", '{"max-length":50}'],
  ["set_policy", "-p", VHOST, "--priority", "3", "--apply-to", "queues", "p2", "^x", "{}"],
  ["set_policy", "-p", VHOST, "p3", "x", "notjson"],
  ["set_policy", "-p", VHOST, "p3", "x", '{"nope":1}'],
  ["list_policies", "-p", VHOST],
  ["list_policies", "-p", VHOST, "--formatter", "json"],
  ["clear_policy", "-p", VHOST, "p1"],
  ["clear_policy", "-p", VHOST, "p1"],
  ["set_parameter", "-p", VHOST, "shovel", "s", '{"src-uri":"amqp://"}'],
  ["set_parameter", "-p", VHOST, "federation-upstream", "u", '{"uri":"amqp://"}'],
  ["clear_parameter", "-p", VHOST, "shovel", "s"],
  ["clear_parameter", "-p", VHOST, "policy", "p1"],
  ["list_parameters", "-p", VHOST],
  ["set_vhost_limits", "-p", VHOST, '{"max-queues":5}'],
  ["list_vhost_limits", "-p", VHOST],
  ["clear_vhost_limits", "-p", VHOST],
  ["list_vhost_limits", "-p", VHOST],
  ["set_user_limits", "ctl_user", '{"max-connections":5}'],
  ["list_user_limits", "--user", "ctl_user"],
  ["clear_user_limits", "ctl_user", "max-connections"],
  ["clear_user_limits", "ctl_user", "all"],
  ["purge_queue", "-p", VHOST, "orders"],
  ["purge_queue", "-p", VHOST, "nope"],
  ["delete_queue", "-p", VHOST, "held", "--if-unused"],
  ["delete_queue", "-p", VHOST, "orders", "--if-empty"],
  ["delete_queue", "-p", VHOST, "orders"],
  ["trace_on", "-p", VHOST],
  ["-q", "list_vhosts", "name", "tracing"],
  ["trace_off", "-p", VHOST],
  ["close_all_connections", "-p", VHOST, "bye"],
  ["set_vm_memory_high_watermark", "7"],
  ["set_disk_free_limit", "nope"],
  ["import_definitions", "/nope/definitions.json"],
  ["export_definitions", "/nope/definitions.json"],
  ["encode", "a", "b", "c"],
  ["encode", "a b(", "secret"],
  ["encode", "a", "secret", "--cipher", "nope"],
  ["encode", "a", "secret", "--hash", "nope"],
  ["encode", "a", "secret", "--iterations", "0"],
  ["decode", '{encrypted,<<"nope">>}', "secret"],
  [
    "decode",
    '{encrypted,<<"hn5J6FZH33S+DQtigfdeQsvA+zsiRHYFQk1mBPTkbtOVShrDxyiLBdVLw1pPoJ5Z">>}',
    "mypassphrase",
  ],
  ["list_quees"],
  ["add_user"],
  ["add_user", "a", "b", "c"],
  ["delete_user", "ctl_user"],
  ["delete_user", "ctl_user"],
  ["await_startup"],
  ["node_health_check"],
  ["set_log_level"],
  ["set_log_level", "loud"],
  ["set_log_level", "info"],
  ["-q", "set_log_level", "none"],
  ["suspend_listeners"],
  ["resume_listeners"],
  ["reset"],
  ["stop_app"],
  ["-q", "stop_app"],
  ["--script-name", "rabbitmq-diagnostics", "check_running"],
  ["--script-name", "rabbitmq-diagnostics", "is_running"],
  ["list_queues"],
  ["add_user", "ctl_user", "secret"],
  ["node_health_check"],
  ["ping"],
  ["await_startup", "--timeout", "1"],
  ["start_app"],
  ["-q", "start_app"],
  ["list_queues", "-p", VHOST, "name", "durable"],
  ["stop", "one", "two"],
  ["shutdown", "one"],
  ["ping"],
  ["delete_vhost", VHOST],
  ["delete_vhost", VHOST],
  ["force_reset"],
  ["add_vhost", VHOST],
  ["add_user", "ctl_user", "secret"],
  ["set_permissions", "-p", VHOST, "ctl_user", ".*", ".*", ".*"],
  ["set_policy", "-p", VHOST, "short", "", '{"max-length":1}'],
  ["set_global_parameter", "g", "1"],
  ["stop_app"],
  ["reset", "now"],
  ["reset"],
  ["reset"],
  ["start_app"],
  ["-q", "list_vhosts"],
  ["-q", "list_users"],
  ["-q", "list_permissions", "-p", "/"],
  ["-q", "list_queues"],
  ["add_vhost", VHOST],
  ["stop_app"],
  ["force_reset", "now"],
  ["-q", "force_reset"],
  ["force_reset"],
  ["start_app"],
  ["-q", "list_vhosts"],
  ["reset"],
];

/** Calls rabbitmqctl and Warren's with the same words, and compares exit status and output. */
export async function* compareRabbitmqctl(
  rabbitmq: RabbitmqServer,
  generation: Generation,
): AsyncGenerator<Comparison> {
  const profile = PROFILES[generation];
  await using broker = new Broker({ profile, passwordHashing: "rabbitmq-sha256" });
  await using server = await broker.listen({ port: 0 });
  // both are ended by whoever started them
  const program = { shutDown() {}, setLogLevel() {} };
  using management = manage(broker, { program });
  await using api = await management.serve({ port: 0 });
  const warren = async (args: readonly string[]): Promise<ControlEnded> => {
    const terminal = new RecordingTerminal({ env: { WARREN_URL: api.url } });
    const code = await runCommand(["rabbitmqctl", ...args], terminal);
    const stderr = terminal.complained.map((line) => `${line}\n`).join("");
    return { code, stdout: terminal.output, stderr };
  };
  await using owned = new AsyncDisposableStack();
  const times = new Map<string, number>();
  for (const args of [...generation === 4 ? NEW_CALLS : [], ...CALLS]) {
    const call = `rabbitmqctl ${args.join(" ")}`;
    const time = (times.get(call) ?? 0) + 1;
    times.set(call, time);
    const [theirs, ours] = [await rabbitmq.runControl(...args), await warren(args)];
    yield {
      title: time === 1 ? call : `${call} (${time})`,
      rabbitmq: normalised(theirs, args),
      warren: normalised(ours, args),
    };
    if (args[0] !== "set_permissions" || args[3] !== "guest") continue;
    for (const { port } of [rabbitmq, server]) owned.use(await furnish(port));
  }
}

/** Declares the same in both; the connection stays, with a consumer. */
async function furnish(port: number): Promise<AsyncDisposable> {
  // what a stop takes away is not to be declared again
  const connection = await connect(`amqp://127.0.0.1:${port}/${VHOST}`, { recovery: false });
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("ex", "topic", { durable: true });
  await channel.queueDeclare("orders", {
    durable: true,
    arguments: { "x-max-length": 100, "x-dead-letter-exchange": "ex" },
  });
  await channel.queueDeclare("über ☃\\", { autoDelete: true });
  await channel.queueDeclare("held");
  await channel.queueBind({ queue: "orders", exchange: "ex", routingKey: "a.b" });
  for (const text of ["one", "two"]) await channel.basicPublish({ routingKey: "orders" }, text);
  await channel.basicConsume("held", { consumerTag: "tag" }, () => {});
  await channel.queueDeclare("orders", { passive: true });
  return { [Symbol.asyncDispose]: () => connection.close().catch(() => {}) };
}

/** Lines without the brackets and commas of a list, which hang on the order. */
function erlangLines(text: string): string[] {
  return text.replace(/^\[\[/m, " [").replace(/\]\]$/, "]").replaceAll("],[", "],\n [").split("\n")
    .map((line) => line.replace(/\],$/, "]"));
}

/** Nodes have names of their own, and lists no order. */
function normalised({ code, stdout, stderr: all }: ControlEnded, args: readonly string[]): string {
  // RabbitMQ's own log, where it writes that to the terminal
  const stderr = all.replace(/^\s*\d\d:\d\d:\d\d\.\d+ \[\w+\].*$/gm, "").trim();
  const text = `${stdout}${stderr === "" ? "" : `--- standard error\n${stderr.trimEnd()}\n`}`
    // bold codes are for terminals: RabbitMQ writes them into pipes as well
    // deno-lint-ignore no-control-regex -- that is what they are
    .replaceAll(/\x1b\[\d+m/g, "")
    .replaceAll(/\b(warren|rabbit)[\w-]*@[\w.-]+|http:\/\/[\d.]+:\d+/g, "node");
  const isErlang = args.some((argument) => argument.endsWith("erlang"));
  const lists = args.some((argument) => argument.startsWith("list_"));
  const lines = isErlang ? erlangLines(text.trimEnd()) : text.trimEnd().split("\n");
  const sorted = lists ? lines.map((line) => line.replace(/^,/, "")).sort() : lines;
  return `${code}\n${sorted.join("\n")}`;
}

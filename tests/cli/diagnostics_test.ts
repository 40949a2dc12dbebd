import { assertEquals, assertStringIncludes } from "@std/assert";
import { portTimeout } from "../../broker/cli/rabbitmqctl/timeouts.ts";
import { RunningBroker } from "./running_broker.ts";

const NODE = "warren@localhost";
const RUNS = `RabbitMQ on node ${NODE} is fully booted and running`;
const RUNS_NOT =
  `RabbitMQ on node ${NODE} is not running or has not fully booted yet (check with is_booting)`;

Deno.test("rabbitmq-diagnostics tells that a broker is well, as RabbitMQ's does", async () => {
  await using running = await RunningBroker.start();
  const { port } = running.server;
  const web = Number(new URL(running.url).port);
  const ports = [port, web].sort((a, b) => a - b).join(", ");
  const cases: readonly (readonly [args: string, ...lines: readonly string[]])[] = [
    ["-q ping", "Ping succeeded"],
    ["check_running", `Checking if RabbitMQ is running on node ${NODE} ...`, RUNS],
    ["is_running", `Asking node ${NODE} for its status ...`, RUNS],
    [
      "-q is_booting",
      `RabbitMQ on node ${NODE} is fully booted (check with is_running), stopped or has not ` +
      "started booting yet",
    ],
    [
      "check_alarms",
      `Asking node ${NODE} to report any local resource alarms ...`,
      `Node ${NODE} reported no alarms, local or clusterwide`,
    ],
    ["-q check_local_alarms", `Node ${NODE} reported no local alarms`],
    ["-q alarms", `Node ${NODE} reported no alarms, local or clusterwide`],
    [
      "check_if_any_deprecated_features_are_used",
      "Checking if any deprecated features are used ...",
      "Cluster reported no deprecated features in use",
    ],
    [
      "has_reached_target_cluster_size",
      `Checking if target cluster size has been reached on node ${NODE} ...`,
      `Target cluster size has been reached on node ${NODE}`,
    ],
    ["reset_stats_db", `Resetting statistics database on node ${NODE}`],
    ["reset_stats_db --all", "Resetting statistics database in all nodes"],
    ["-q check_virtual_hosts", `Node ${NODE} reported all vhosts as running`],
    [`-q check_port_listener ${port}`, `A listener for port ${port} is running on node ${NODE}.`],
    [
      "check_protocol_listener AMQP091",
      `Asking node ${NODE} if there's an active listener for protocol AMQP091 ...`,
      `A listener for protocol amqp is running on node ${NODE}.`,
    ],
    [
      "-q check_port_connectivity",
      `Successfully connected to ports ${ports} on node ${NODE} (using node hostname resolution)`,
    ],
    [
      "-q check_port_connectivity -a 127.0.0.1",
      `Successfully connected to ports ${ports} on node ${NODE} ` +
      "(using 127.0.0.1 for target IP address)",
    ],
    ["-q server_version", "3.13.7"],
    ["--formatter json check_alarms", '{"result":"ok"}'],
    ["-s check_alarms"],
    ["-s check_local_alarms"],
    ["-s check_virtual_hosts"],
    ["-s --formatter json check_virtual_hosts", '{"result":"ok"}'],
    ["-s check_running", RUNS],
    ["--formatter json is_running", JSON.stringify({ message: RUNS, result: true })],
  ];
  for (const [args, ...lines] of cases) {
    const told = await running.run("rabbitmq-diagnostics", ...args.split(" "));
    const expected = { code: 0, stdout: lines.map((line) => `${line}\n`).join(""), stderr: "" };
    assertEquals([args, told], [args, expected]);
  }
  const { stdout } = await running.run("rabbitmq-diagnostics", "-q", "listeners");
  assertStringIncludes(stdout, `port: ${port}, protocol: amqp, purpose: AMQP 0-9-1\n`);
  assertStringIncludes(stdout, `port: ${web}, protocol: http, purpose: HTTP API\n`);
});

Deno.test("and ends with 69 when a check fails", async () => {
  await using running = await RunningBroker.start();
  const fails = async (args: string, text: string, code = 69) => {
    const told = await running.run("rabbitmq-diagnostics", "-q", ...args.split(" "));
    assertEquals([args, told.code, told.stdout], [args, code, ""]);
    assertStringIncludes(told.stderr, text);
  };
  await fails("check_port_listener 1", `No listener for port 1 is active on node ${NODE}.`);
  await fails("check_port_listener x", "Bad argument", 65);
  await fails("check_protocol_listener mqtt", "Found listeners for the following protocols: amqp");

  running.broker.setMemoryHighWatermark(1024);
  const alarm = `Memory alarm on node ${NODE}\n`;
  await fails("check_alarms", alarm);
  await fails("check_local_alarms", alarm);
  assertEquals((await running.ctl("alarms", "-q")).stdout, alarm);
  running.broker.setMemoryHighWatermark(0.9);

  await running.ctl("stop_app");
  await fails("check_running", RUNS_NOT);
  assertEquals(
    (await running.run("rabbitmq-diagnostics", "-q", "is_running")).stdout,
    `${RUNS_NOT}\n`,
  );
  await fails("check_alarms", "Start it with 'rabbitmqctl start_app'", 64);
  await fails("check_port_connectivity", "Start it with 'rabbitmqctl start_app'", 64);
});

Deno.test("a port that nobody can connect to is told", async () => {
  await using running = await RunningBroker.start();
  const { port } = running.server;
  // an address of this machine where nobody listens
  const args = ["check_port_connectivity", "--address", "127.0.0.9"];
  const told = await running.run("rabbitmq-diagnostics", "-q", ...args);
  assertEquals(told.code, 69);
  assertStringIncludes(told.stderr, `port: ${port}, protocol: amqp, purpose: AMQP 0-9-1`);
});

Deno.test("what a check has found is told in JSON with RabbitMQ's fields, and with -s not at all", async () => {
  await using running = await RunningBroker.start();
  const { port } = running.server;
  const web = Number(new URL(running.url).port);
  const fails = async (args: string) => {
    const { code, stdout, stderr } = await running.run("rabbitmq-diagnostics", ...args.split(" "));
    assertEquals([args, code, stdout], [args, 69, ""]);
    return stderr;
  };
  const failsInJson = async (args: string) =>
    JSON.parse(await fails(`--formatter json ${args}`)) as Record<string, unknown>;
  const listeners = [
    [port, "amqp", "AMQP 0-9-1"],
    [web, "http", "HTTP API"],
  ].map(([port, protocol, purpose]) => ({
    node: NODE,
    interface: "127.0.0.1",
    port,
    protocol,
    purpose,
  }));
  assertEquals(await failsInJson("check_port_listener 1"), {
    result: "error",
    missing: 1,
    ports: [port, web],
    listeners,
  });
  assertEquals(await failsInJson("check_protocol_listener stomp"), {
    result: "error",
    missing: "stomp",
    protocols: ["amqp", "http"],
    listeners,
  });
  assertEquals(await failsInJson("check_port_connectivity -a 127.0.0.9"), {
    result: "error",
    node: NODE,
    failures: listeners,
  });

  running.broker.setMemoryHighWatermark(1024);
  const found = {
    result: "error",
    local: [`Memory alarm on node ${NODE}`],
    global: [],
    message: `Node ${NODE} reported alarms`,
  };
  assertEquals(await failsInJson("check_alarms"), found);
  assertEquals(await failsInJson("check_local_alarms"), {
    result: "error",
    local: found.local,
    message: `Node ${NODE} reported local alarms`,
  });
  assertEquals(await fails("-s check_alarms"), "");
  assertEquals(await fails("-s check_local_alarms"), "");
  assertEquals(await failsInJson("-s check_alarms"), found);
});

Deno.test("ports that never answer take no longer than the check may", () => {
  assertEquals(portTimeout(2_000, 3), 500);
  assertEquals(portTimeout(Infinity, 2), 10_000);
});

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { connect } from "../../mod.ts";
import { Program } from "./program.ts";
import { ended, RunningBroker } from "./running_broker.ts";
import { RecordingTerminal } from "./recording_terminal.ts";

const NODE = "warren@localhost";
const permissions = ["-A"];

/** A broker in a process of its own, and a terminal whose commands find it. */
class ServedProgram implements AsyncDisposable {
  readonly program: Program;
  readonly url: string;
  readonly pidFile: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    program: Program,
    url: string,
    pidFile: string,
    owned: AsyncDisposableStack,
  ) {
    this.program = program;
    this.url = url;
    this.pidFile = pidFile;
    this.#owned = owned;
  }

  static async start(...more: readonly string[]): Promise<ServedProgram> {
    await using owned = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "warren-pid-" });
    owned.defer(() => Deno.remove(folder, { recursive: true }));
    const pidFile = `${folder}/pid`;
    const program = owned.use(
      new Program(
        { permissions },
        ...more.includes("--data-dir") ? [] : ["--memory"],
        ...["--port", "0", "--management-port", "0", "--pid-file", pidFile, ...more],
      ),
    );
    const lines = await program.linesUntil(/^Server startup complete/);
    const url = /management API on (http:\S+)/.exec(lines.join("\n"))![1]!;
    return new ServedProgram(program, url, pidFile, owned.move());
  }

  /** Asks the management API; paths begin below `/api`. */
  // deno-lint-ignore no-explicit-any -- tests know what they asked for
  async ask(method: string, path: string, body?: unknown): Promise<any> {
    const response = await fetch(`${this.url}/api${path}`, {
      method,
      headers: { authorization: `Basic ${btoa("guest:guest")}` },
      ...body === undefined ? {} : { body: JSON.stringify(body) },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  ctl(...args: readonly string[]) {
    const terminal = new RecordingTerminal({ env: { WARREN_URL: this.url } });
    return ended(["rabbitmqctl", ...args], terminal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

Deno.test("rabbitmqctl stop_app keeps the process and start_app opens again", async () => {
  await using running = await RunningBroker.start();
  await running.furnish();
  const { server: { port } } = running;
  const enter = () => connect(`amqp://127.0.0.1:${port}`, { recovery: false });
  await using connection = await enter();
  assertEquals(await running.ctl("stop_app"), {
    code: 0,
    stdout: `Stopping rabbit application on node ${NODE} ...\n`,
    stderr: "",
  });
  assertMatch(String(await connection.closed), /forced connection closure with reason 'shutdown'/);
  assertEquals(await enter().catch(() => "refused"), "refused");
  assertEquals(await running.ctl("-q", "stop_app"), { code: 0, stdout: "", stderr: "" });
  for (const args of [["list_queues"], ["add_vhost", "x"], ["status"], ["node_health_check"]]) {
    const { code, stdout, stderr } = await running.ctl(...args);
    assertEquals([args, code, stdout], [args, 64, ""]);
    assertStringIncludes(
      stderr,
      "Error: this command requires the 'rabbit' app to be running on the target node. Start it " +
        `with 'rabbitmqctl start_app'.\nArguments given:\n\t${args.join(" ")}\n\nUsage\n`,
    );
  }
  assertEquals((await running.ctl("ping")).code, 0);
  const early = await running.ctl("await_startup", "--timeout", "0");
  assertEquals([early.code, early.stderr], [69, "Error:\nrabbit_is_not_running\n"]);
  const waiting = running.ctl("await_startup", "--timeout", "10");
  assertEquals(await running.ctl("start_app"), {
    code: 0,
    stdout: `Starting node ${NODE} ...\n`,
    stderr: "",
  });
  assertEquals((await waiting).code, 0);
  await using _again = await enter();
  // what is not durable is gone, as after a restart
  assertEquals((await running.ctl("-s", "list_queues")).stdout, "orders\t0\n");
});

for (const [command, banner] of [["reset", "Resetting"], ["force_reset", "Forcefully resetting"]]) {
  Deno.test(`rabbitmqctl ${command} makes of a broker that is stopped a new one`, async () => {
    await using running = await RunningBroker.start();
    await running.furnish();
    const early = await running.ctl(command!);
    assertEquals([early.code, early.stdout], [64, ""]);
    assertMatch(early.stderr, /^Error: this command requires the 'rabbit' app to be stopped/);
    assertEquals((await running.ctl("-q", "list_queues", "name")).stdout.includes("orders"), true);
    await running.ctl("add_user", "ann", "secret");
    await running.ctl("stop_app");
    assertEquals(await running.ctl(command!), {
      code: 0,
      stdout: `${banner} node ${NODE} ...\n`,
      stderr: "",
    });
    assertEquals(await running.ctl("-q", command!), { code: 0, stdout: "", stderr: "" });
    await running.ctl("start_app");
    assertEquals((await running.ctl("-s", "list_queues")).stdout, "");
    assertEquals((await running.ctl("-s", "list_users")).stdout, "guest\t[administrator]\n");
    assertEquals((await running.ctl("-s", "list_vhosts")).stdout, "/\n");
  });
}

Deno.test("who reset a broker is forgotten with all other users: the one that it begins with starts it again", async () => {
  await using running = await RunningBroker.start();
  await running.ctl("add_user", "ann", "secret");
  await running.ctl("set_user_tags", "ann", "administrator");
  await running.ctl("delete_user", "guest");
  const env = { WARREN_USER: "ann", WARREN_PASSWORD: "secret" };
  const asAnn = (...args: readonly string[]) =>
    ended(["rabbitmqctl", ...args], running.terminal({ env }));
  assertEquals((await asAnn("stop_app")).code, 0);
  assertEquals(await asAnn("reset"), {
    code: 0,
    stdout: `Resetting node ${NODE} ...
`,
    stderr: "",
  });
  // RabbitMQ's rabbitmqctl shows no user, but the cookie of the node
  const { code, stderr } = await asAnn("start_app");
  assertEquals(code, 69);
  assertMatch(stderr, /refuses the user: .*\n.*it has to be an administrator/);
  assertEquals(running.broker.serving, false);
  assertEquals((await running.ctl("start_app")).code, 0);
  assertEquals((await running.ctl("-s", "list_users")).stdout, "guest\t[administrator]\n");
});

Deno.test("a program that is reset begins with its definitions again, also when it was killed meanwhile", async () => {
  const folder = await Deno.makeTempDir({ prefix: "warren-reset-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const definitions = `${folder}/definitions.json`;
  const queues = [{ vhost: "/", name: "first", durable: true, arguments: {} }];
  await Deno.writeTextFile(definitions, JSON.stringify({ queues }));
  const more = ["--data-dir", `${folder}/data`, "--definitions", definitions];
  const named = ["--cluster-name", "burrow"];
  const queuesOf = async (served: ServedProgram) =>
    (await served.ctl("-s", "list_queues", "name")).stdout.split("\n").filter(Boolean).sort();
  {
    await using served = await ServedProgram.start(...more, ...named);
    for (const name of ["second", "third"]) {
      await served.ctl("-q", "add_vhost", name);
      await served.ask("PUT", `/queues/%2F/${name}`, { durable: true });
    }
    assertEquals(await queuesOf(served), ["first", "second", "third"]);
    await served.ctl("stop_app");
    assertEquals((await served.ctl("reset")).code, 0);
    await served.ctl("start_app");
    assertEquals(await queuesOf(served), ["first"]);
    assertEquals((await served.ask("GET", "/cluster-name")).name, "burrow");
    for (let number = 0; number < 200; number++) {
      await served.ask("PUT", `/queues/%2F/q${number}`, { durable: true });
    }
    await served.ctl("stop_app");
    const asked = served.ask("POST", `/nodes/${NODE}/reset`, {}).catch(() => {});
    await served.ask("GET", "/whoami").catch(() => {});
    served.program.signal("SIGKILL");
    await Promise.all([asked, served.program.ended()]);
  }
  await using served = await ServedProgram.start(...more);
  const left = (await queuesOf(served)).length;
  assert(left === 1 || left === 201, `${left} queues`);
});

Deno.test("a program that is reset and cannot read its definitions any more says so", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await using served = await ServedProgram.start("--definitions", file);
  await Deno.remove(file);
  await served.ctl("stop_app");
  const { code, stderr } = await served.ctl("reset");
  assertEquals(code, 69);
  assertMatch(stderr, /it is reset, and is not what it begins with: cannot apply the definitions/);
});

Deno.test("rabbitmqctl suspend_listeners and resume_listeners", async () => {
  await using running = await RunningBroker.start();
  const enter = () => connect(`amqp://127.0.0.1:${running.server.port}`, { recovery: false });
  await using connection = await enter();
  assertEquals(
    (await running.ctl("suspend_listeners")).stdout,
    `Will suspend client connection listeners on node ${NODE}. The node will no longer accept ` +
      "client connections!\n",
  );
  assertEquals(await enter().catch(() => "refused"), "refused");
  await connection.openChannel();
  assertEquals(
    (await running.ctl("resume_listeners")).stdout,
    `Will resume client connection listeners on node ${NODE}. The node will now accept client ` +
      "connections\n",
  );
  await (await enter()).close();
});

Deno.test("rabbitmqctl stop waits for the process that a file names", async () => {
  await using served = await ServedProgram.start();
  const { pid } = served.program;
  assertEquals(await served.ctl("stop", served.pidFile), {
    code: 0,
    stdout: `Stopping and halting node ${NODE} (will monitor pid file ${served.pidFile}) ...\n` +
      `process ${pid} (take from pid file ${served.pidFile}) is no longer running\n`,
    stderr: "",
  });
  const { code, stderr } = await served.program.ended();
  assertEquals(code, 0);
  assertMatch(stderr, /\[info\] user 'guest' asked for it: closing all connections/);
  const again = await served.ctl("stop");
  assertEquals(again.code, 69);
  assertEquals(await served.ctl("-q", "stop", "--idempotent"), {
    code: 0,
    stdout: `Node ${served.url} is no longer running\n`,
    stderr: "",
  });
});

Deno.test("rabbitmqctl stop ends the program also when its file says nothing", async () => {
  await using served = await ServedProgram.start();
  await Deno.writeTextFile(served.pidFile, "hello");
  const { code, stderr } = await served.ctl("stop", served.pidFile);
  assertEquals([code, stderr], [
    69,
    `Error:\ncould not read pid from file ${served.pidFile}. File contents: hello\n`,
  ]);
  assertEquals((await served.program.ended()).code, 0);
});

Deno.test("rabbitmqctl shutdown tells of the process until it is gone", async () => {
  await using served = await ServedProgram.start();
  const { pid } = served.program;
  assertEquals(await served.ctl("shutdown"), {
    code: 0,
    stdout: `Shutting down RabbitMQ node ${NODE} running at PID ${pid}\n` +
      `Waiting for PID ${pid} to terminate\n` +
      `RabbitMQ node ${NODE} running at PID ${pid} successfully shut down\n`,
    stderr: "",
  });
  assertEquals((await served.program.ended()).code, 0);
});

Deno.test("rabbitmqctl shutdown --no-wait waits for nobody, and with --wait nobody is far away", async () => {
  await using served = await ServedProgram.start();
  assertEquals(await served.ctl("shutdown", "--no-wait"), { code: 0, stdout: "", stderr: "" });
  assertEquals((await served.program.ended()).code, 0);
  await using running = await RunningBroker.start();
  const url = running.url.replace("127.0.0.1", "0.0.0.0");
  const terminal = running.terminal({ env: { WARREN_URL: url } });
  const { code, stderr } = await ended(["rabbitmqctl", "shutdown"], terminal);
  assertEquals(code, 64);
  assertMatch(stderr, /can only --wait for shutdown of local nodes but node .* seems to be remote/);
});

Deno.test("rabbitmqctl set_log_level changes what the program logs from then on", async () => {
  await using served = await ServedProgram.start("--log-level", "none");
  const set = (level: string) => served.ctl("set_log_level", level);
  assertEquals(await set("loud"), {
    code: 69,
    stdout: "",
    stderr: "Error:\nlevel loud is not supported. Try one of debug, info, warning, error, " +
      "critical, none\n",
  });
  await served.ctl("add_vhost", "silent");
  assertEquals(await set("info"), {
    code: 0,
    stdout: 'Setting log level to "info" ...\n',
    stderr: "",
  });
  await served.ctl("add_vhost", "told");
  for (const level of ["notice", "critical", "none"]) assertEquals((await set(level)).code, 0);
  await served.ctl("add_vhost", "untold");
  await served.ctl("shutdown");
  const { stderr } = await served.program.ended();
  assertMatch(stderr, /the log level is 'info' now\n.*vhost 'told' was added by 'guest'\n$/);
});

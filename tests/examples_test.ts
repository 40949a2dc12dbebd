import { assertEquals, assertStringIncludes } from "@std/assert";
import { Broker } from "@warren/amqp";
import { BackgroundProcess } from "./interop/background_process.ts";

const EXAMPLES = new URL("../examples/", import.meta.url).pathname;

/** How long an example may take to say something. Their types are checked with all others. */
const OUTPUT_MS = 60_000;

/** A served broker, and how the examples are run against it. */
class Stage implements AsyncDisposable {
  readonly #broker: Broker;
  readonly #env: Record<string, string>;

  private constructor(broker: Broker, port: number) {
    this.#broker = broker;
    this.#env = { AMQP_URL: `amqp://guest:guest@127.0.0.1:${port}`, NO_COLOR: "1" };
  }

  static async open(): Promise<Stage> {
    const broker = new Broker();
    const { port } = await broker.listen({ port: 0 });
    return new Stage(broker, port);
  }

  /** The broker's address, for examples that take it as an argument. */
  get address(): string {
    return this.#env.AMQP_URL!;
  }

  /** Starts an example that goes on until it is stopped, and waits until it is ready. */
  async start(path: string, ...args: readonly string[]): Promise<BackgroundProcess> {
    const example = new BackgroundProcess({
      command: Deno.execPath(),
      args: ["run", "-A", EXAMPLES + path, ...args],
      env: this.#env,
    });
    await example.waitForOutput(/Ctrl\+C ends this/, OUTPUT_MS);
    return example;
  }

  /** Runs an example to its end; gives what it wrote. */
  async run(path: string, ...args: readonly string[]): Promise<string> {
    return await deno(["run", "-A", EXAMPLES + path, ...args], this.#env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.close();
  }
}

/** Runs Deno; gives what it wrote to standard output. */
async function deno(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args: [...args], env });
  const { code, stdout, stderr } = await command.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("every example has its line in the examples' README", async () => {
  const readme = await Deno.readTextFile(`${EXAMPLES}README.md`);
  const paths: string[] = [];
  for await (const folder of Deno.readDir(EXAMPLES)) {
    if (folder.name.endsWith(".ts")) paths.push(folder.name);
    if (!folder.isDirectory) continue;
    for await (const { name } of Deno.readDir(EXAMPLES + folder.name)) {
      paths.push(`${folder.name}/${name}`);
    }
  }
  for (const path of paths) assertStringIncludes(readme, path);
});

Deno.test("hello world: what is sent is received, in whichever order they start", async () => {
  await using stage = await Stage.open();
  assertEquals(await stage.run("1_hello_world/send.ts"), "Sent 'Hello World!'\n");
  await using receiver = await stage.start("1_hello_world/receive.ts", stage.address);
  await receiver.waitForOutput(/^Received 'Hello World!'$/m, OUTPUT_MS);
  await stage.run("1_hello_world/send.ts", stage.address);
  await receiver.waitForOutput(/(^Received 'Hello World!'\n){2}/m, OUTPUT_MS);
});

Deno.test("work queues: a busy worker gets no second task while another is free", async () => {
  await using stage = await Stage.open();
  await using busy = await stage.start("2_work_queues/worker.ts", "3600");
  assertEquals(await stage.run("2_work_queues/new_task.ts", "long", "."), "Sent 'long .'\n");
  await busy.waitForOutput(/Received 'long \.'/, OUTPUT_MS);

  await using free = await stage.start("2_work_queues/worker.ts", "0.001");
  await stage.run("2_work_queues/new_task.ts", "short.");
  await stage.run("2_work_queues/new_task.ts", "short...");
  await free.waitForOutput(/Received 'short\.'\nDone\nReceived 'short\.{3}'\nDone/, OUTPUT_MS);
  assertEquals(busy.output.includes("short"), false);
});

Deno.test("work queues: the task of a worker that dies goes to another one", async () => {
  await using stage = await Stage.open();
  await using dying = await stage.start("2_work_queues/worker.ts", "3600");
  await stage.run("2_work_queues/new_task.ts");
  await dying.waitForOutput(/Received 'Sweep the burrow\.{3}'/, OUTPUT_MS);
  await using heir = await stage.start("2_work_queues/worker.ts", "0");
  await dying.stop();
  await heir.waitForOutput(/Received 'Sweep the burrow\.{3}'\nDone/, OUTPUT_MS);
});

Deno.test("protobuf: an order that is sent is received, compressed or not", async () => {
  await using stage = await Stage.open();
  assertEquals(await stage.run("protobuf/send.ts", "5", "Ann"), "Sent order 5 of Ann\n");
  await using receiver = await stage.start("protobuf/receive.ts");
  await receiver.waitForOutput(/^Order 5 of Ann: 12 carrot at 0\.25$/m, OUTPUT_MS);
});

Deno.test("publish/subscribe: each receiver gets every line", async () => {
  await using stage = await Stage.open();
  await using one = await stage.start("3_publish_subscribe/receive_logs.ts");
  await using two = await stage.start("3_publish_subscribe/receive_logs.ts");
  await stage.run("3_publish_subscribe/emit_log.ts");
  const sent = await stage.run("3_publish_subscribe/emit_log.ts", "warning:", "dusk");
  assertEquals(sent, "Sent 'warning: dusk'\n");
  for (const receiver of [one, two]) {
    await receiver.waitForOutput(/^info: Hello World!\nwarning: dusk$/m, OUTPUT_MS);
  }
});

Deno.test("routing: a receiver gets the severities that it asked for", async () => {
  await using stage = await Stage.open();
  await using all = await stage.start("4_routing/receive_logs.ts");
  await using errors = await stage.start("4_routing/receive_logs.ts", "error");
  await stage.run("4_routing/emit_log.ts");
  const sent = await stage.run("4_routing/emit_log.ts", "error", "the", "roof", "leaks");
  assertEquals(sent, "Sent 'error': 'the roof leaks'\n");
  await all.waitForOutput(/^info: Hello World!\nerror: the roof leaks$/m, OUTPUT_MS);
  await errors.waitForOutput(/Ctrl\+C ends this\.\nerror: the roof leaks$/m, OUTPUT_MS);
});

Deno.test("topics: a receiver gets what its patterns match", async () => {
  await using stage = await Stage.open();
  await using all = await stage.start("5_topics/receive_logs.ts");
  await using some = await stage.start("5_topics/receive_logs.ts", "kern.*", "*.critical");
  await stage.run("5_topics/emit_log.ts");
  await stage.run("5_topics/emit_log.ts", "kern.info", "dig");
  const sent = await stage.run("5_topics/emit_log.ts", "cron.critical", "late");
  assertEquals(sent, "Sent 'cron.critical': 'late'\n");
  await all.waitForOutput(
    /^anonymous\.info: Hello World!\nkern\.info: dig\ncron\.critical: late$/m,
    OUTPUT_MS,
  );
  await some.waitForOutput(
    /Ctrl\+C ends this\.\nkern\.info: dig\ncron\.critical: late$/m,
    OUTPUT_MS,
  );
});

Deno.test("RPC: each caller gets the replies to its own requests", async () => {
  await using stage = await Stage.open();
  await using _server = await stage.start("6_rpc/server.ts");
  const outputs = await Promise.all([
    stage.run("6_rpc/client.ts"),
    stage.run("6_rpc/client.ts", "0", "1", "10"),
    stage.run("6_rpc/direct_reply_client.ts", "12"),
  ]);
  assertEquals(outputs, [
    "fib(30) = 832040\n",
    "fib(0) = 0\nfib(1) = 1\nfib(10) = 55\n",
    "fib(12) = 144\n",
  ]);
});

Deno.test("broker and client live in one process", async () => {
  assertEquals(await deno(["run", EXAMPLES + "in_process.ts"]), "sweep the burrow\n");
});

Deno.test("the tests of the application under test pass without permissions", async () => {
  const output = await deno(["test", "--no-check", EXAMPLES + "testing/"], { NO_COLOR: "1" });
  assertStringIncludes(output, "2 passed | 0 failed");
});

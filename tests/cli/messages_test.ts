import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RecordingTerminal } from "./recording_terminal.ts";
import { ended, RunningBroker } from "./running_broker.ts";

Deno.test("publish, get, consume and purge carry messages in and out", async () => {
  await using running = await RunningBroker.start();
  await running.broker.declareQueue({ queue: "q", durable: true });
  const published = await running.run(
    "publish",
    "hello",
    "--routing-key=q",
    "--property=content_type=text/plain",
    "--property=delivery_mode=2",
    "--header=n=5",
    "--header=s=x=y",
  );
  assertEquals(published, { code: 0, stdout: "", stderr: "" });
  const got = await running.run("get", "q", "--format=json");
  assertEquals(JSON.parse(got.stdout), {
    exchange: "",
    routing_key: "q",
    redelivered: false,
    properties: { content_type: "text/plain", delivery_mode: 2, headers: { n: 5, s: "x=y" } },
    payload: "hello",
    payload_encoding: "string",
  });
  // it went back
  assertEquals((await running.run("get", "q", "--ack")).stdout, "hello\n");
  const none = await running.run("get", "q");
  assertEquals([none.code, none.stderr], [1, "warren: no message waits in 'q'\n"]);

  const lines = await running.runWith("one\ntwo\nthree\n", "publish", "--lines", "--routing-key=q");
  assertEquals(lines.code, 0);
  assertEquals((await running.run("consume", "q", "--count=2")).stdout, "one\ntwo\n");
  assertEquals((await running.run("purge", "q")).stdout, "1 message deleted\n");
});

Deno.test("publish takes all of standard input as one message, and as many as asked", async () => {
  await using running = await RunningBroker.start();
  await running.broker.declareQueue({ queue: "q" });
  assertEquals((await running.runWith("a\nb\n", "publish", "--routing-key=q")).code, 0);
  assertEquals((await running.run("publish", "x", "--routing-key=q", "--count=3")).code, 0);
  const { stdout } = await running.run("consume", "q", "--count=4");
  assertEquals(stdout, "a\nb\n\nx\nx\nx\n");
});

Deno.test("publish --count repeats what standard input had, which can be read once", async () => {
  await using running = await RunningBroker.start();
  await running.broker.declareQueue({ queue: "q" });
  const whole = await running.runWith("a\nb", "publish", "--routing-key=q", "--count=3");
  assertEquals(whole, { code: 0, stdout: "", stderr: "" });
  assertEquals((await running.run("consume", "q", "--count=3")).stdout, "a\nb\na\nb\na\nb\n");
  const lines = await running.runWith(
    ...["a\nb\n", "publish", "--routing-key=q", "--lines", "--count=2"] as const,
  );
  assertEquals(lines, { code: 0, stdout: "", stderr: "" });
  assertEquals((await running.run("consume", "q", "--count=4")).stdout, "a\nb\na\nb\n");
});

Deno.test("publish keeps no more of standard input than any broker takes", async () => {
  await using running = await RunningBroker.start();
  const chunk = new Uint8Array(16 * 1024 * 1024);
  for (const more of [["--count=2"], ["--lines", "--count=2"], []]) {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled++;
        controller.enqueue(chunk);
      },
    });
    const terminal = running.terminal();
    Object.assign(terminal, { input: () => endless });
    const { code, stderr } = await ended(["publish", "--routing-key=q", ...more], terminal);
    assertEquals(code, 2);
    assertMatch(stderr, /at most 536870912 bytes/);
    assertEquals(pulled < 40, true, `${pulled}`);
  }
});

Deno.test("publish ends with 1 when no queue got the message, or there is no such exchange", async () => {
  await using running = await RunningBroker.start();
  const nowhere = await running.run("publish", "x", "--routing-key=nope");
  assertEquals(nowhere, { code: 1, stdout: "", stderr: "warren: no queue got it\n" });
  const missing = await running.run("publish", "x", "--exchange=nope");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "no exchange 'nope' in vhost '/'");
});

Deno.test("consume prints until the user has enough, and acks what it printed", async () => {
  await using running = await RunningBroker.start();
  const { broker } = running;
  await broker.declareQueue({ queue: "q", durable: true });
  await running.run("publish", "m", "--routing-key=q");
  const terminal = running.terminal();
  const write = terminal.write;
  Object.assign(terminal, {
    write: (text: string) => {
      terminal.user.abort();
      return write(text);
    },
  });
  const { code, stdout } = await ended(["consume", "q"], terminal);
  assertEquals([code, stdout], [0, "m\n"]);
  assertEquals([...broker.queues()].map(({ messages }) => messages), [0]);
});

Deno.test("consume --requeue puts back what it printed", async () => {
  await using running = await RunningBroker.start();
  await running.broker.declareQueue({ queue: "q" });
  await running.run("publish", "m", "--routing-key=q", "--count=2");
  const { stdout } = await running.run("consume", "q", "--count=2", "--requeue");
  assertEquals(stdout, "m\nm\n");
  assertEquals([...running.broker.queues()].map(({ messages }) => messages), [2]);
});

Deno.test("consume --requeue takes more than are usually on their way at once", async () => {
  await using running = await RunningBroker.start();
  await running.broker.declareQueue({ queue: "q" });
  await running.run("publish", "m", "--routing-key=q", "--count=200");
  const counted = await running.run("consume", "q", "--count=200", "--requeue");
  assertEquals([counted.code, counted.stdout], [0, "m\n".repeat(200)]);
  assertEquals([...running.broker.queues()].map(({ messages }) => messages), [200]);

  const terminal = running.terminal();
  const { write } = terminal;
  Object.assign(terminal, {
    write: (text: string) => {
      const written = write(text);
      if (terminal.written.length === 400) terminal.user.abort();
      return written;
    },
  });
  const endless = await ended(["consume", "q", "--requeue"], terminal);
  assertEquals([endless.code, endless.stdout], [0, "m\n".repeat(200)]);
  while ([...running.broker.channels()].length > 0) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals([...running.broker.queues()].map(({ messagesReady }) => messagesReady), [200]);
});

Deno.test("consume --requeue refuses a prefetch that would let it wait for ever", async () => {
  await using running = await RunningBroker.start();
  await running.broker.declareQueue({ queue: "q" });
  for (const more of [["--prefetch=9", "--count=10"], ["--prefetch=65535"]]) {
    const { code, stderr } = await running.run("consume", "q", "--requeue", ...more);
    assertEquals(code, 2);
    assertMatch(stderr, /^warren: with --requeue, --prefetch must not be below .*\n$/);
  }
  await running.run("publish", "m", "--routing-key=q");
  const fits = await running.run("consume", "q", "--requeue", "--prefetch=1", "--count=1");
  assertEquals(fits, { code: 0, stdout: "m\n", stderr: "" });
  const large = await running.run("consume", "q", "--prefetch=70000");
  assertEquals([large.code, large.stdout], [2, ""]);
});

Deno.test("list prints tables, JSON, CSV and TSV, sorted and with columns of one's choice", async () => {
  await using running = await RunningBroker.start();
  await running.furnish();
  assertEquals(
    (await running.run("list", "queues", "name", "messages")).stdout,
    "name    messages\na?b            0\norders         3\n",
  );
  assertEquals(
    (await running.run("list", "queues", "name,messages", "--sort=-messages", "--format=csv"))
      .stdout,
    "name,messages\norders,3\na\tb,0\n",
  );
  assertEquals(
    (await running.run("list", "queues", "name", "--format=tsv")).stdout,
    "name\na\\tb\norders\n",
  );
  const { stdout } = await running.run("list", "queues", "arguments.x-max-length", "--format=json");
  assertEquals(JSON.parse(stdout), [
    { "arguments.x-max-length": null },
    { "arguments.x-max-length": 100 },
  ]);
  for (
    const kind of [
      "exchanges",
      "bindings",
      "connections",
      "channels",
      "consumers",
      "users",
      "vhosts",
      "permissions",
      "policies",
      "parameters",
    ]
  ) {
    const listed = await running.run("list", kind, "--format=json");
    assertEquals(listed.code, 0, kind);
    assertEquals(Array.isArray(JSON.parse(listed.stdout)), true, kind);
  }
});

Deno.test("list is bold on a terminal alone", async () => {
  await using running = await RunningBroker.start();
  const { stdout } = await ended(
    ["list", "vhosts", "name"],
    running.terminal({ colours: true }),
  );
  assertEquals(stdout, "\x1b[1mname\x1b[0m\n/\n");
  assertEquals((await running.run("list", "vhosts", "name")).stdout, "name\n/\n");
});

Deno.test("definitions go through a file, and through standard streams", async () => {
  await using running = await RunningBroker.start();
  await running.furnish();
  const { stdout } = await running.run("definitions", "export");
  await using other = await RunningBroker.start();
  for (const _ of ["once", "twice"]) {
    assertEquals((await other.runWith(stdout, "definitions", "import")).code, 0);
  }
  assertEquals([...other.broker.queues()].length, 2);
  const bad = await other.runWith("{", "definitions", "import");
  assertEquals([bad.code, bad.stderr], [1, "warren: standard input is no JSON\n"]);
});

Deno.test("commands end with 1 and one line when nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using running = await RunningBroker.start();
  for (
    const args of [
      ["list", "queues", `--url=http://127.0.0.1:${port}`],
      ["get", "q", `--url=amqp://127.0.0.1:${port}`],
    ]
  ) {
    const { code, stdout, stderr } = await running.run(...args);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^warren: .+\n$/);
  }
});

Deno.test("top shows the busiest queues", async () => {
  await using running = await RunningBroker.start();
  await running.furnish();
  const { code, stdout } = await running.run("top", "--once", "--sort=ready");
  assertEquals(code, 0);
  const [, , , head, first] = stdout.split("\n");
  assertMatch(head!, /^vhost {2}name +ready {2}unacked {2}consumers/);
  assertMatch(first!, /^\/ +orders +3 +0 +0/);
  // and again, until the user has enough
  const terminal = running.terminal({ colours: true });
  const top = ended(["top"], terminal);
  while (terminal.written === "") await new Promise((resolve) => setTimeout(resolve));
  terminal.user.abort();
  const live = await top;
  assertEquals(live.stdout.startsWith("\x1b[H\x1b[2J"), true);
});

Deno.test("a name that AMQP cannot say makes no sense, whoever would be asked", async () => {
  await using running = await RunningBroker.start();
  const name = "é".repeat(128);
  for (
    const args of [
      ["get", name],
      ["purge", name],
      ["consume", name],
      ["publish", "hi", `--routing-key=${name}`],
      ["publish", "hi", `--exchange=${name}`],
    ]
  ) {
    const { code, stdout, stderr } = await running.run(...args);
    assertEquals([code, stdout], [2, ""], args[0]);
    assertMatch(stderr, /^warren: .* has at most 255 bytes, not 256 .*\n$/);
  }
});

Deno.test("bench measures, and leaves nothing behind", async () => {
  await using running = await RunningBroker.start();
  const args = ["bench", "--seconds=0.3", "--window=10", "--size=50", "--publishers=2"];
  const { code, stdout, stderr } = await running.run(...args, "--format=json");
  assertEquals([code, stderr], [0, ""]);
  const { published, consumed, latency_ms } = JSON.parse(stdout);
  assertEquals(consumed, published, "what was on its way at the end is waited for");
  assertEquals(consumed > 0, true);
  assertEquals(latency_ms.p50 <= latency_ms.p99 && latency_ms.p99 <= latency_ms.max, true);
  assertEquals([...running.broker.queues()], []);
  const text = await ended([...args, "--rate=100"], running.terminal({ colours: true }));
  assertMatch(text.stdout, /published \d+ .*\nlatency: median .*\n( {2}up to .*█.*\n)+/);
  assertMatch(text.stdout, /\d+%/);
});

Deno.test("bench's queue stays for as long as it publishes, also when nobody consumes", async () => {
  await using running = await RunningBroker.start();
  const terminal = running.terminal();
  const { promise: expires, resolve } = Promise.withResolvers<unknown>();
  const stop = running.broker.on("queue.created", ({ name: queue }) => {
    const [info] = [...running.broker.queues()].filter(({ name }) => name === queue);
    resolve(info?.arguments["x-expires"]);
    terminal.user.abort();
  });
  const { code, stderr } = await ended(["bench", "--seconds=90", "--consumers=0"], terminal);
  stop();
  assertEquals([code, stderr], [0, ""]);
  assertEquals(await expires, 150_000);
});

Deno.test("bench ends when somebody wants it, whatever the broker holds back, and says why nothing came", async () => {
  await using running = await RunningBroker.start();
  running.broker.setMemoryHighWatermark(0);
  const terminal = running.terminal();
  const bench = ended(["bench", "--seconds=60"], terminal);
  const isHeldBack = () =>
    [...running.broker.connections()].some(({ state }) => state === "blocked");
  while (!isHeldBack()) await new Promise((resolve) => setTimeout(resolve));
  terminal.user.abort();
  const { code, stderr } = await bench;
  assertEquals(code, 1);
  assertMatch(stderr, /^warren: the broker holds publishers back: low on memory\n/);
  assertMatch(stderr, /\nwarren: no message was consumed\n$/);
});

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`completion knows the commands, for ${shell}`, async () => {
    await using running = await RunningBroker.start();
    const { code, stdout } = await running.run("completion", shell, "wa");
    assertEquals(code, 0);
    for (const word of ["serve", "publish", "queues", "add_user", "export"]) {
      assertMatch(stdout, new RegExp(`\\b${word}\\b`));
    }
  });
}

Deno.test("completion's script for bash completes", async () => {
  await using running = await RunningBroker.start();
  const { stdout } = await running.run("completion", "bash", "wa");
  const script = `${stdout}\nCOMP_WORDS=(wa definitions ex); COMP_CWORD=2; _wa; echo "$COMPREPLY"`;
  const command = new Deno.Command("bash", { args: ["-c", script] });
  assertEquals(new TextDecoder().decode((await command.output()).stdout), "export\n");
});

Deno.test("lists ask for the columns alone that they print", async () => {
  const asked: string[] = [];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      const { pathname, search } = new URL(request.url);
      asked.push(`${pathname}${search}`);
      return Response.json([{ name: "q", messages: 3 }]);
    },
  );
  const env = { WARREN_URL: `http://127.0.0.1:${server.addr.port}` };
  for (
    const args of [
      ["list", "queues", "name,messages", "--sort=-consumers", "--format=csv"],
      ["rabbitmqctl", "-q", "list_queues", "name", "owner_pid", "slave_pids", "arguments"],
      ["rabbitmqctl", "-q", "list_queues", "slave_pids"],
    ]
  ) {
    assertEquals((await ended(args, new RecordingTerminal({ env }))).code, 0);
  }
  assertEquals(asked, [
    "/api/queues?columns=name,messages,consumers",
    "/api/queues/%2F?columns=name,owner_pid_details.name,arguments",
    "/api/queues/%2F?columns=name",
  ]);
});

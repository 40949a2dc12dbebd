import { assert, assertEquals, assertMatch } from "@std/assert";
import { RunningBroker } from "./running_broker.ts";

/** A line or some, and no trace of where the program was when it did not know what to do. */
function assertTold(stderr: string, what: string): void {
  assert(stderr !== "", what);
  assert(!/^\s+at .+:\d+/m.test(stderr), `${what}: ${stderr}`);
}

Deno.test("what answers and is no management API is told, and commands end as when nobody answers", async () => {
  await using running = await RunningBroker.start();
  for (const body of ["<html>a page</html>", "null", ""]) {
    await using stranger = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => new Response(body),
    );
    const url = `--url=http://127.0.0.1:${stranger.addr.port}`;
    for (
      const [args, code] of [
        [["list", "queues"], 1],
        [["definitions", "export"], 1],
        [["top", "--once"], 1],
        [["status"], 69],
        [["rabbitmqctl", "list_users"], 69],
        [["rabbitmqctl", "list_queues", "name"], 69],
      ] as const
    ) {
      const ended = await running.run(...args, url);
      assertEquals([ended.code, ended.stdout], [code, ""], `${args}`);
      assertMatch(ended.stderr, /what answers at .+ is no management API/);
      assertTold(ended.stderr, `${args}`);
    }
  }
});

Deno.test("a file that is none is told of in a line", async () => {
  await using running = await RunningBroker.start();
  const folder = await Deno.makeTempDir();
  const file = `${folder}/file`;
  await Deno.writeTextFile(file, "{}");
  for (
    const [args, code] of [
      [["definitions", "export", folder], 1],
      [["definitions", "import", folder], 1],
      [["definitions", "import", `${file}/below`], 1],
      [["publish", "--routing-key=q", `--file=${folder}`], 1],
      [["publish", "--routing-key=q", `--file=${file}/below`], 1],
      [["rabbitmqctl", "export_definitions", folder], 65],
      [["rabbitmqctl", "import_definitions", folder], 65],
    ] as const
  ) {
    const { code: ended, stderr } = await running.run(...args);
    assertEquals(ended, code, `${args}: ${stderr}`);
    assertTold(stderr, `${args}`);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("publish takes no property that there is not, and none that is too large", async () => {
  await using running = await RunningBroker.start();
  await running.furnish();
  for (
    const [property, told] of [
      ["priority=999", /priority/],
      ["priority=x", /not_int/],
      [`message_id=${"x".repeat(256)}`, /messageId/],
      ["headers=x", /--property takes content_type, .*, not 'headers'/],
      ["conent_type=text/plain", /not 'conent_type'/],
    ] as const
  ) {
    const { code, stderr } = await running.run(
      "publish",
      "hi",
      "--routing-key=orders",
      `--property=${property}`,
    );
    assertEquals(code, 2, property);
    assertMatch(stderr, told);
    assertTold(stderr, property);
  }
  const [queue] = [...running.broker.queues()].filter(({ name }) => name === "orders");
  assertEquals(queue!.messages, 3);
});

Deno.test("a time that is none makes no sense, and is not waited for", async () => {
  await using running = await RunningBroker.start();
  for (const args of [["wait", "/nope/pid"], ["await_startup"], ["list_queues"]]) {
    const { code, stderr } = await running.ctl(...args, "--timeout", "soon");
    assertEquals(code, 64, `${args}`);
    assertMatch(stderr, /Invalid options for this command:\n--timeout : soon/);
  }
  assertEquals((await running.ctl("await_startup", "--timeout", "infinity")).code, 0);
});

Deno.test("a name that a path cannot have is refused, and nothing else is done in its place", async () => {
  await using running = await RunningBroker.start();
  const { broker } = running;
  for (const exchange of ["amq.topic", ".."]) {
    await broker.setTopicPermissions({ user: "guest", exchange, write: "a", read: "b" });
  }
  for (const args of [["clear_topic_permissions", "guest", ".."], ["delete_user", "."]]) {
    const { code, stderr } = await running.ctl(...args);
    assertEquals(code, 69, `${args}`);
    assertMatch(stderr, /a path of HTTP cannot name '\.\.?'/);
  }
  const left = broker.topicPermissions({ user: "guest" }).map(({ exchange }) => exchange);
  assertEquals(left.sort(), ["..", "amq.topic"]);
});

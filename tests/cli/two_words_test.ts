import { assertEquals, assertMatch } from "@std/assert";
import { CTL_COMMANDS } from "../../broker/cli/rabbitmqctl/catalogue.ts";
import { LIST_KINDS } from "../../broker/cli/list.ts";
import { RunningBroker } from "./running_broker.ts";

Deno.test("add, set, delete and clear do what rabbitmqctl does, without that word in front", async () => {
  await using running = await RunningBroker.start();
  const { broker } = running;
  const calls = [
    ["add", "vhost", "v"],
    ["add_user", "bea", "secret"],
    ["add", "user", "ann", "secret"],
    ["set", "user_tags", "ann", "monitoring"],
    ["set", "permissions", "-p", "v", "ann", "a.*", "b.*", "c.*"],
    ["set", "policy", "-p", "v", "p", "^q", '{"max-length":7}'],
    ["set", "vhost_limits", "-p", "v", '{"max-queues":5}'],
  ];
  for (const args of calls) assertEquals((await running.run(...args)).code, 0, args.join(" "));
  const ann = broker.users().find(({ name }) => name === "ann");
  assertEquals([ann?.tags, await broker.authenticateUser("ann", "secret")], [["monitoring"], true]);
  assertEquals(broker.permissions({ vhost: "v", user: "ann" }).map(({ write }) => write), ["b.*"]);
  assertEquals(broker.policies({ vhost: "v" }).map(({ definition }) => definition), [{
    "max-length": 7,
  }]);
  const away = [
    ["clear", "policy", "-p", "v", "p"],
    ["clear", "permissions", "-p", "v", "ann"],
    ["delete", "user", "ann"],
    ["delete_user", "bea"],
    ["delete", "vhost", "v"],
  ];
  for (const args of away) assertEquals((await running.run(...args)).code, 0, args.join(" "));
  assertEquals(broker.users().map(({ name }) => name), ["guest"]);
  assertEquals(broker.vhosts().map(({ name }) => name), ["/"]);
});

Deno.test("every command of rabbitmqctl is there by its name, and in two words unless they are another's", async () => {
  await using running = await RunningBroker.start();
  for (const name of Object.keys(CTL_COMMANDS)) {
    const { code, stdout } = await running.run(name, "--help");
    assertEquals(code, 0, name);
    const [, first, rest] = /^([a-z]+)_(.*)$/.exec(name) ?? [];
    if (first === undefined || rest === undefined) continue;
    const inTwo = await running.run(first, rest, "--help");
    assertEquals([inTwo.code, inTwo.stdout === stdout], [0, !OWN.has(name)], name);
  }
});

/** Those whose two words are this program's own command: lists with columns of their own, and `purge`, which
 * is rabbitmqctl's when a queue follows. */
const OWN: ReadonlySet<string> = new Set([
  ...LIST_KINDS.filter((kind) => !kind.includes("-")).map((kind) => `list_${kind}`),
  "purge_queue",
]);

Deno.test("purge takes a queue, be it called queue, and purge queue takes one as rabbitmqctl's", async () => {
  await using running = await RunningBroker.start();
  const { broker } = running;
  await broker.addVhost("v");
  await broker.setPermissions({
    ...{ user: "guest", vhost: "v" },
    ...{ configure: ".*", write: ".*", read: ".*" },
  });
  const fill = async () => {
    for (const [vhost, queue] of [["/", "orders"], ["/", "queue"], ["v", "orders"]] as const) {
      await broker.declareQueue({ queue, vhost });
      await using connection = await broker.connect({ vhost });
      const channel = await connection.openChannel();
      await channel.confirmSelect();
      await channel.basicPublish({ routingKey: queue }, "x");
    }
  };
  const emptied = async (...args: readonly string[]) => {
    for (const { vhost, name } of [...broker.queues()]) {
      await broker.purgeQueue({ queue: name, vhost });
    }
    await fill();
    assertEquals((await running.run(...args)).code, 0, args.join(" "));
    return [...broker.queues()].filter(({ messages }) => messages === 0)
      .map(({ vhost, name }) => `${vhost} ${name}`);
  };
  assertEquals(await emptied("purge", "orders"), ["/ orders"]);
  assertEquals(await emptied("purge", "queue"), ["/ queue"]);
  assertEquals(await emptied("purge", "queue", "--vhost", "/"), ["/ queue"]);
  assertEquals(await emptied("purge", "queue", "orders"), ["/ orders"]);
  assertEquals(await emptied("purge", "queue", "queue"), ["/ queue"]);
  assertEquals(await emptied("purge", "queue", "-p", "v", "orders"), ["v orders"]);
  assertEquals(await emptied("purge", "queue", "orders", "-p", "v"), ["v orders"]);
});

Deno.test("lists take a vhost as rabbitmqctl's do", async () => {
  await using running = await RunningBroker.start();
  await running.broker.addVhost("v");
  await running.broker.declareQueue({ queue: "a", vhost: "v" });
  await running.broker.declareQueue({ queue: "b" });
  for (const option of [["-p", "v"], ["--vhost", "v"], ["--vhost=v"]]) {
    const { code, stdout } = await running.run("list", "queues", ...option, "--format=tsv", "name");
    assertEquals([code, stdout], [0, "name\na\n"]);
  }
});

Deno.test("a first word alone tells what may follow", async () => {
  await using running = await RunningBroker.start();
  for (const args of [["set"], ["set", "nonsense"]]) {
    const { code, stderr } = await running.run(...args);
    assertEquals(code, 2);
    assertMatch(stderr, /^warren: set takes one of .*\bpermissions\b.*\bpolicy\b/);
  }
  const { code, stdout } = await running.run("delete", "--help");
  assertEquals(code, 0);
  assertMatch(stdout, /^ {2}delete user +\w/m);
  assertMatch((await running.run("nonsense")).stderr, /unknown command 'nonsense'/);
});

Deno.test("rabbitmqctl's lists take --format tsv: names of columns, tabs between them, and no more", async () => {
  await using running = await RunningBroker.start();
  await running.furnish();
  const lists: readonly (readonly [args: readonly string[], lines: readonly string[]])[] = [
    [["list_queues", "name", "messages", "durable"], [
      "name\tmessages\tdurable",
      "a\\tb\t0\tfalse",
      "orders\t3\ttrue",
    ]],
    [["list_users"], ["user\ttags", "guest\t[administrator]"]],
    [["list_permissions"], ["user\tconfigure\twrite\tread", "guest\t.*\t.*\t.*"]],
    [["list_user_permissions", "guest"], [
      "vhost\tconfigure\twrite\tread",
      "/\t.*\t.*\t.*",
    ]],
    // rabbitmqctl's own table of nothing, in some lists
    [["list_policies"], [""]],
  ];
  for (const [args, lines] of lists) {
    const expected = lines.map((line) => `${line}\n`).join("");
    for (const format of [["--format=tsv"], ["--format", "tsv"]]) {
      const { code, stdout, stderr } = await running.run(...args, ...format);
      assertEquals([code, stdout, stderr], [0, expected, ""], `${args} ${format}`);
    }
    // it may stand anywhere
    const [name = "", ...rest] = args;
    assertEquals((await running.run(name, "--format", "tsv", ...rest)).stdout, expected);
  }
});

Deno.test("rabbitmqctl's lists take this program's --format in their own words", async () => {
  await using running = await RunningBroker.start();
  const list = (...args: readonly string[]) => running.run("list_vhosts", ...args);
  assertEquals((await list("--format=csv", "name")).stdout, '"name"\n"/"\n');
  assertEquals(JSON.parse((await list("--format", "json", "name")).stdout), [{ name: "/" }]);
  assertEquals((await list("--format=nonsense")).code, 64);
  // as an argument it is no option, and rabbitmqctl itself does not know it
  assertEquals((await running.run("add_vhost", "--", "--format")).code, 0);
  assertEquals(running.broker.hasVhost("--format"), true);
  assertEquals((await running.ctl("list_vhosts", "--format=tsv")).code, 64);
});

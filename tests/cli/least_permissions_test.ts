import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect } from "../../client/connect.ts";
import { EVERYTHING, Issuer } from "../oauth/tokens.ts";
import { certificate, certificatePath } from "../support/certificates.ts";
import { Program, ROOT } from "./program.ts";

/**
 * The permissions that README.md names are enough to publish and consume, and so are those of
 * `deno task start`: both are read from where a user reads them.
 *
 * @module
 */

/** The flags of a row of README's table of permissions. */
async function rowOf(what: string): Promise<string[]> {
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  const row = readme.split("\n").find((line) => line.startsWith(`| ${what} `));
  const cell = /`(--allow[^`]*)`/.exec(row?.split("|")[2] ?? "")?.[1];
  if (cell === undefined) throw new Error(`Cannot find the permissions to ${what} in README.md`);
  return cell.split(" ");
}

/** All that a row of that table says, in the order of the code that is in it. */
async function codeOf(what: string): Promise<string[]> {
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  const row = readme.split("\n").find((line) => line.startsWith(`| ${what} `));
  return [...(row?.split("|")[2] ?? "").matchAll(/`([^`]*)`/g)].map(([, code]) => code!);
}

/** The permissions of `deno task start`. */
async function permissionsOfTask(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const [, flags] = /^deno run (.*) broker\/main\.ts$/.exec(tasks.start.command) ?? [];
  return flags!.split(" ");
}

async function serve(program: Program): Promise<number> {
  const lines = (await program.linesUntil(/^Server startup complete/)).join("\n");
  return Number(/^ {2}amqp:\/\/127\.0\.0\.1:(\d+)$/m.exec(lines)?.[1]);
}

async function publish(port: number, bodies: readonly string[]): Promise<void> {
  await using connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  await channel.queueDeclare("jobs", { durable: true });
  await channel.confirmSelect();
  for (const body of bodies) {
    const properties = { deliveryMode: 2 };
    await channel.basicPublish({ routingKey: "jobs", properties }, body);
  }
  await channel.waitForConfirms();
}

async function consume(port: number, count: number): Promise<string[]> {
  await using connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  const bodies: string[] = [];
  for await (const delivery of await channel.basicConsume("jobs")) {
    bodies.push(delivery.text());
    delivery.ack();
    if (bodies.length === count) break;
  }
  return bodies;
}

async function end(program: Program): Promise<void> {
  program.signal("SIGTERM");
  assertEquals((await program.ended()).code, 0);
}

async function worksInMemory(permissions: readonly string[]): Promise<void> {
  await using program = new Program({ permissions }, "--memory", "--port=0");
  const port = await serve(program);
  await publish(port, ["dig", "rest"]);
  assertEquals(await consume(port, 2), ["dig", "rest"]);
  await end(program);
}

async function worksDurably(
  permissions: readonly string[],
  directory: string,
): Promise<void> {
  const args = ["--port=0", "--data-dir", directory];
  {
    await using program = new Program({ permissions }, ...args);
    const port = await serve(program);
    await publish(port, ["dig", "rest", "go home"]);
    assertEquals(await consume(port, 1), ["dig"]);
    await end(program);
  }
  await using program = new Program({ permissions }, ...args);
  assertEquals(await consume(await serve(program), 2), ["rest", "go home"]);
  await end(program);
}

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "warren-least-" });
  try {
    await run(`${parent}/data`);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("what README.md names is enough to publish and consume in memory", async () => {
  const permissions = await rowOf("listen on loopback");
  assertMatch(permissions.join(" "), /^--allow-net=\S+$/);
  await worksInMemory(permissions);
});

Deno.test("what README.md names is enough to publish and consume durably, over a restart", async () => {
  await inDirectory(async (directory) => {
    const keep = (await rowOf("keep data")).map((flag) => flag.replace("DIR", directory));
    await worksDurably([...await rowOf("listen on loopback"), ...keep], directory);
  });
});

Deno.test("deno task start permits what it needs, by name", async () => {
  const permissions = await permissionsOfTask();
  assertEquals(permissions.filter((flag) => !/^--allow-[a-z]+(=\S+)?$/.test(flag)), []);
  await worksInMemory(permissions);
  await inDirectory((directory) => worksDurably(permissions, directory));
});

Deno.test({
  name: "what README.md names is enough to listen on a socket file",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const directory = await Deno.makeTempDir({ prefix: "warren-least-" });
    try {
      const path = `${directory}/amqp.sock`;
      const named = (await codeOf("listen on a file")).map((code) => code.replace("PATH", path));
      const [address, allowNet, ...files] = named;
      assertEquals([address, allowNet], [`unix:${path}`, "--allow-net"]);
      const [loopback] = await rowOf("listen on loopback");
      const permissions = [`${loopback},${address}`, ...files];
      await using program = new Program({ permissions }, "--memory", "--port=0", `--unix=${path}`);
      await program.linesUntil(/^Server startup complete/);
      await using connection = await connect({ path });
      const channel = await connection.openChannel();
      await channel.queueDeclare("jobs");
      await channel.basicPublish({ routingKey: "jobs" }, "dig");
      assertEquals((await channel.basicGet("jobs", { noAck: true }))?.text(), "dig");
      await connection.close();
      await end(program);
      await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test("what README.md names is enough to judge tokens, by keys in files or behind an address", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-least-" });
  const issuer = await Issuer.make();
  await using keys = Deno.serve({
    ...certificate("server"),
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, () => Response.json({ keys: [issuer.jwk] }));
  try {
    const [loopback] = await rowOf("listen on loopback");
    const [allowNet, allowRead] = await codeOf("judge tokens");
    assertEquals([allowNet, allowRead], ["--allow-net=HOST", "--allow-read=FILE"]);
    const file = `${directory}/keys.json`;
    await Deno.writeTextFile(file, JSON.stringify({ keys: [issuer.jwk] }));
    const host = `127.0.0.1:${keys.addr.port}`;
    const ways = [
      [[loopback!, allowRead!.replace("FILE", file)], `--oauth-jwks=${file}`],
      [
        [allowNet!.replace("HOST", `127.0.0.1:0,[::1]:0,${host}`)],
        `--oauth-jwks-url=https://${host}/`,
      ],
    ] as const;
    for (const [permissions, option] of ways) {
      // whom the runtime believes is no permission
      const env = { DENO_CERT: certificatePath("ca.pem") };
      const args = ["--memory", "--port=0", "--oauth-resource-server-id=rabbitmq", option];
      await using program = new Program({ permissions, env }, ...args);
      const port = await serve(program);
      const password = await issuer.token({ scope: EVERYTHING });
      await using connection = await connect({ hostname: "127.0.0.1", port, password });
      await (await connection.openChannel()).queueDeclare("q");
      await connection.close();
      await end(program);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("what README.md names is enough to be told by files, and to tell its process", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-least-" });
  try {
    const [config, definitions, pid] = ["rabbitmq.conf", "definitions.json", "pid"]
      .map((name) => `${directory}/${name}`) as [string, string, string];
    await Deno.writeTextFile(config, "heartbeat = 7\n");
    const queue = { name: "told", vhost: "/", durable: true, auto_delete: false, arguments: {} };
    await Deno.writeTextFile(definitions, JSON.stringify({ queues: [queue] }));
    const permissions = [
      ...await rowOf("listen on loopback"),
      ...(await rowOf("be told by files")).map((flag) =>
        flag.replace("FILE", `${config},${definitions}`)
      ),
      ...(await rowOf("tell who it is")).map((flag) => flag.replace("FILE", pid)),
    ];
    const files = ["--config", config, "--definitions", definitions, "--pid-file", pid];
    await using program = new Program({ permissions }, "--memory", "--port=0", ...files);
    const port = await serve(program);
    await using connection = await connect({ hostname: "127.0.0.1", port });
    assertEquals(connection.limits.heartbeatSeconds, 7);
    await (await connection.openChannel()).queueDeclare("told", { passive: true });
    assertMatch(await Deno.readTextFile(pid), /^\d+\n$/);
    await connection.close();
    await end(program);
    await assertRejects(() => Deno.lstat(pid), Deno.errors.NotFound);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("what README.md names is enough to listen elsewhere", async () => {
  const [loopback] = await rowOf("listen on loopback");
  const [allowNet] = await rowOf("listen elsewhere");
  const address = allowNet!.replace("--allow-net=ADDRESS", "0.0.0.0");
  await using program = new Program(
    { permissions: [`${loopback},${address}`] },
    ...["--memory", "--port=0", "--host=0.0.0.0"],
  );
  const lines = (await program.linesUntil(/^Server startup complete/)).join("\n");
  const port = Number(/^ {2}amqp:\/\/0\.0\.0\.0:(\d+)$/m.exec(lines)?.[1]);
  await publish(port, ["dig"]);
  assertEquals(await consume(port, 1), ["dig"]);
  await end(program);
});

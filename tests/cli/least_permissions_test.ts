import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../../client/connect.ts";
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

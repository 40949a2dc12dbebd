import { assertEquals, assertMatch } from "@std/assert";
import { Program } from "./program.ts";

Deno.test("serve --pid-file names the process while it serves, and rabbitmqctl wait finds it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "warren-pid-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const file = `${folder}/pid`;
  const permissions = ["-A"];
  await using program = new Program(
    { permissions },
    ...["--memory", "--port", "0", "--management-port", "0", "--pid-file", file],
  );
  const lines = await program.linesUntil(/^Server startup complete/);
  const url = /management API on (http:\S+)/.exec(lines.join("\n"))![1]!;
  assertEquals(await Deno.readTextFile(file), `${program.pid}\n`);
  const env = { WARREN_URL: url };
  await using waiting = new Program({ permissions, env }, "rabbitmqctl", "wait", file);
  const { code, stdout } = await waiting.ended();
  assertEquals(code, 0);
  assertMatch(stdout, /\npid is \d+\n/);
  program.signal("SIGTERM");
  assertEquals((await program.ended()).code, 0);
  assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
});

Deno.test("serve does not begin when its pid file cannot be written", async () => {
  const folder = await Deno.makeTempDir({ prefix: "warren-pid-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  await using program = new Program(
    { permissions: ["-A"] },
    ...["--memory", "--port", "0", "--pid-file", `${folder}/not/pid`],
  );
  const { code, stderr } = await program.ended();
  assertEquals(code, 1);
  assertMatch(stderr, /^warren: cannot write --pid-file: /m);
});

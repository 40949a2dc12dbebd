import { assertEquals, assertStringIncludes } from "@std/assert";

/** Runs a test with the project's settings; tells whether it passed, and what was printed. */
async function runTest(body: string): Promise<{ passed: boolean; output: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const file = `${directory}/some_test.ts`;
    await Deno.writeTextFile(file, `Deno.test("some test", async () => { ${body} });\n`);
    const config = new URL("../deno.json", import.meta.url).pathname;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check", "--no-lock", "--allow-net", "--config", config, file],
      cwd: directory,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return { passed: success, output };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a test that leaks nothing passes", async () => {
  const { passed, output } = await runTest("await Promise.resolve();");
  assertStringIncludes(output, "1 passed");
  assertEquals(passed, true, output);
});

Deno.test("a test that leaks a timer fails", async () => {
  const { passed, output } = await runTest("setTimeout(() => {}, 100_000);");
  assertEquals(passed, false, output);
  assertStringIncludes(output, "Leaks detected");
  assertStringIncludes(output, "A timer was started");
});

Deno.test("a test that leaks a socket fails", async () => {
  const { passed, output } = await runTest("Deno.listen({ hostname: '127.0.0.1', port: 0 });");
  assertEquals(passed, false, output);
  assertStringIncludes(output, "Leaks detected");
  assertStringIncludes(output, "listener was opened");
});

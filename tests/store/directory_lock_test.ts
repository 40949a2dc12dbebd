import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DirectoryLock } from "../../broker/store/directory_lock.ts";
import { StoreError } from "../../broker/store/error.ts";

Deno.test("A data directory has one user at a time", async () => {
  const directory = await Deno.makeTempDir();
  const first = new DirectoryLock(directory);
  const error = assertThrows(() => new DirectoryLock(directory), StoreError);
  assertEquals(error.code, "locked");
  assertEquals(error.message, `Cannot use ${directory}: another broker in this process uses it`);
  first.release();
  first.release();
  new DirectoryLock(directory).release();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("The lock of a process that was killed is free", async () => {
  const directory = await Deno.makeTempDir();
  const lockUrl = new URL("../../broker/store/directory_lock.ts", import.meta.url);
  const script = `
    const { DirectoryLock } = await import(${JSON.stringify(lockUrl.href)});
    globalThis.lock = new DirectoryLock(${JSON.stringify(directory)});
    await Deno.stdout.write(new TextEncoder().encode("locked"));
    setInterval(() => {}, 1000);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "locked");
  const error = assertThrows(() => new DirectoryLock(directory), StoreError);
  assertStringIncludes(error.message, `process ${child.pid} uses it`);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  new DirectoryLock(directory).release();
  await Deno.remove(directory, { recursive: true });
});

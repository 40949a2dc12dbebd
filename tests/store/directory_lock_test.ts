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

Deno.test("Readers share a data directory, and write nothing into it", async () => {
  const directory = await Deno.makeTempDir();
  new DirectoryLock(directory, { readOnly: true }).release();
  assertEquals(await Array.fromAsync(Deno.readDir(directory)), [], "nobody ever locked it");
  new DirectoryLock(directory).release();
  const path = `${directory}/warren.lock`;
  const before = await Deno.readTextFile(path);

  const first = new DirectoryLock(directory, { readOnly: true });
  const second = new DirectoryLock(directory, { readOnly: true });
  const refused = assertThrows(() => new DirectoryLock(directory), StoreError);
  assertEquals(refused.message, `Cannot use ${directory}: a process that only reads uses it`);
  first.release();
  assertThrows(() => new DirectoryLock(directory), StoreError);
  second.release();
  assertEquals(await Deno.readTextFile(path), before);

  const writer = new DirectoryLock(directory);
  const error = assertThrows(() => new DirectoryLock(directory, { readOnly: true }), StoreError);
  assertEquals(error.code, "locked");
  assertEquals(error.message, `Cannot use ${directory}: another broker in this process uses it`);
  writer.release();
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

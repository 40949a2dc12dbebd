import { assertEquals } from "@std/assert";
import { DiskFileSystem } from "../../broker/store/file_system.ts";

Deno.test("DiskFileSystem makes its directory, with those that it is to be in", async () => {
  const base = await Deno.makeTempDir({ prefix: "warren-" });
  try {
    assertEquals(new DiskFileSystem(`${base}/a/b/c`).list(), []);
    const { isDirectory } = await Deno.stat(`${base}/a/b/c`);
    assertEquals(isDirectory, true);
    assertEquals(new DiskFileSystem(`${base}/a/b/c`).list(), [], "and takes one that is there");
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("DiskFileSystem makes no directory that is only to be read", async () => {
  const base = await Deno.makeTempDir({ prefix: "warren-" });
  try {
    new DiskFileSystem(`${base}/missing`, { readOnly: true });
    assertEquals(await Array.fromAsync(Deno.readDir(base)), []);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

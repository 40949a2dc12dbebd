import fs from "node:fs";
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

/** Resolves when the next file is closed. */
function whenClosed(): Promise<void> {
  const { closeSync } = fs;
  return new Promise((resolve) => {
    fs.closeSync = (descriptor) => {
      fs.closeSync = closeSync;
      closeSync(descriptor);
      resolve();
    };
  });
}

for (const size of [4096, 8 * 1024 * 1024]) {
  Deno.test(`DiskFileSystem cuts and closes a file of ${size} bytes`, async () => {
    const base = await Deno.makeTempDir({ prefix: "warren-" });
    try {
      const files = new DiskFileSystem(base);
      const file = files.create("one");
      file.write(new Uint8Array(size).fill(1), 0, size, 0);
      const closed = whenClosed();
      file.closeCut(16);
      await closed;
      assertEquals(await Deno.readFile(`${base}/one`), new Uint8Array(16).fill(1));
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  });
}

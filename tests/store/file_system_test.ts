import { assertEquals } from "@std/assert";
import { DiskFileSystem } from "../../broker/store/file_system.ts";

Deno.test("DiskFileSystem makes a directory with those that it is to be in, once", async () => {
  const base = await Deno.makeTempDir({ prefix: "warren-" });
  try {
    for (let time = 0; time < 2; time++) {
      const files = new DiskFileSystem(`${base}/some/where/data/`);
      assertEquals(files.list(), []);
      await new Promise<void>((resolve, reject) =>
        files.sync((error) => error === undefined ? resolve() : reject(error))
      );
    }
    if (Deno.build.os !== "windows") {
      assertEquals((await Deno.stat(`${base}/some/where/data`)).mode! & 0o777, 0o750);
    }
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

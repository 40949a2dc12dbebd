import { assertEquals } from "@std/assert";
import * as api from "../mod.ts";

/**
 * Everything that programs may import from `mod.ts`, types apart. A name added here is a promise; a
 * name taken away breaks somebody's program and belongs into CHANGELOG.md.
 */
const NAMES: readonly string[] = [
];

/** The types and interfaces. */
const TYPES: readonly string[] = [
];

Deno.test("mod.ts exports exactly what it promises", () => {
  assertEquals(Object.keys(api).sort(), [...NAMES].sort());
});

Deno.test("mod.ts exports exactly the types that it promises", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", new URL("../mod.ts", import.meta.url).pathname],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const names = exportedNames(JSON.parse(decoder.decode(stdout)), decoder.decode(stderr));
  assertEquals(names, [...NAMES, ...TYPES].sort());
});

import { assertEquals } from "@std/assert";
import { outdatedFiles } from "../broker/amqp/codegen.ts";
import { SPEC } from "../broker/amqp/spec.ts";

Deno.test("broker/amqp/methods/ is what codegen prints from spec.ts", async () => {
  assertEquals(await outdatedFiles(), []);
});

Deno.test("broker/amqp/methods/ holds a file for each class, mod.ts and nothing else", () => {
  const folder = new URL("../broker/amqp/methods/", import.meta.url);
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  assertEquals(names, [...Object.keys(SPEC), "mod"].map((name) => `${name}.ts`).sort());
});

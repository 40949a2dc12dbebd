import { assert, assertEquals, assertLess } from "@std/assert";
import { loadHeapStatistics, thisMachine } from "../../broker/machine.ts";

Deno.test("a machine knows V8's limit once it was loaded, which whoever asks sets off", async () => {
  const { limit } = thisMachine.heap();
  // another test of the same process may have loaded it
  if (limit === Infinity) assertEquals(thisMachine.heap().used, 0);
  const before = thisMachine.allocated();
  await loadHeapStatistics();
  const { used, limit: known } = thisMachine.heap();
  assert(used > 0);
  assertLess(used, known);
  assertLess(known, Infinity);
  const after = thisMachine.allocated();
  assertLess(Math.abs(after - before), 64 * 1024 * 1024, `${before}, then ${after}`);
});

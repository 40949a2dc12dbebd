import { assert, assertEquals, assertLess } from "@std/assert";
import { thisMachine } from "../../broker/machine.ts";

Deno.test("a machine knows V8's limit from the second look on, without anybody else's turn between", () => {
  const before = thisMachine.allocated();
  const { limit } = thisMachine.heap();
  // another test of the same process may have looked
  if (limit === Infinity) assertEquals(thisMachine.heap().used > 0, true);
  const { used, limit: known } = thisMachine.heap();
  assert(used > 0);
  assertLess(used, known);
  assertLess(known, Infinity);
  const after = thisMachine.allocated();
  assertLess(Math.abs(after - before), 64 * 1024 * 1024, `${before}, then ${after}`);
});

import v8 from "node:v8";
import vm from "node:vm";

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc") as () => void;

/** How much of V8's heap is held, in bytes: all that nobody has any more is let go before. */
export function heldHeap(): number {
  collect();
  return Deno.memoryUsage().heapUsed;
}

/** The same with what lies outside of the heap and belongs to objects in it, as numbers in typed arrays do. */
export function heldMemory(): number {
  const heap = heldHeap();
  return heap + Deno.memoryUsage().external;
}

import { assertEquals } from "@std/assert";
import { BindingRow } from "../../broker/routing/binding_row.ts";

const DESTINATION = { kind: "queue", name: "q" } as const;

function row(count: number) {
  const bindings = Array.from(
    { length: count },
    (_, at) => ({ destination: DESTINATION, routingKey: `${at}`, arguments: {} }),
  );
  const made = new BindingRow();
  for (const binding of bindings) made.add(binding);
  return { bindings, row: made };
}

Deno.test("BindingRow gives the oldest binding, whichever go", () => {
  const { bindings, row: made } = row(100);
  let left = bindings;
  // in an order that is neither that of their coming nor its reverse
  for (let at = 0; at < 100; at++) {
    const gone = bindings[at * 37 % 100]!;
    made.remove(gone);
    left = left.filter((binding) => binding !== gone);
    assertEquals(made.first, left[0]);
  }
  made.add(bindings[7]!);
  assertEquals(made.first, bindings[7]);
});

Deno.test("BindingRow removes the oldest of very many as quickly as any", () => {
  const { bindings, row: made } = row(300_000);
  for (const binding of bindings) {
    assertEquals(made.first === binding, true);
    made.remove(binding);
  }
  assertEquals(made.first, undefined);
});

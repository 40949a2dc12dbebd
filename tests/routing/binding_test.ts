import { assertEquals, assertNotEquals } from "@std/assert";
import { bindingIdentity } from "../../broker/routing/binding.ts";
import { bindingTo, queue } from "./support.ts";

Deno.test("bindingIdentity() does not depend on the order of arguments", () => {
  const one = bindingTo(queue("q"), "k", { a: 1, b: { c: 2, d: "e" } });
  const same = bindingTo(queue("q"), "k", { b: { d: "e", c: 2n }, a: 1 });
  assertEquals(bindingIdentity(one), bindingIdentity(same));
});

Deno.test("bindingIdentity() tells bindings apart by everything else", () => {
  const bindings = [
    bindingTo(queue("q"), "k"),
    bindingTo({ kind: "exchange", name: "q" }, "k"),
    bindingTo(queue("qk"), ""),
    bindingTo(queue(""), "qk"),
    bindingTo(queue("q"), "K"),
    bindingTo(queue("q"), "k", { a: 1 }),
    bindingTo(queue("q"), "k", { a: "1" }),
    bindingTo(queue("q"), "k", { a: true }),
    bindingTo(queue("q"), "k", { a: null }),
    bindingTo(queue("q"), "k", { a: [1] }),
    bindingTo(queue("q"), "k", { a: [1, 1] }),
    bindingTo(queue("q"), "k", { a: [[1], 1] }),
    bindingTo(queue("q"), "k", { a: { a: 1 } }),
    bindingTo(queue("q"), "k", { a: 1, b: 1 }),
    bindingTo(queue("q"), "k", { a: "n1:11:bn1:1" }),
    bindingTo(queue("q"), "k1:an1:1"),
    bindingTo(queue("q"), "k", { a: new Date(1000) }),
    bindingTo(queue("q"), "k", { a: new Uint8Array([1]) }),
  ].map(bindingIdentity);
  bindings.forEach((identity, index) => {
    for (const other of bindings.slice(index + 1)) assertNotEquals(identity, other);
  });
});

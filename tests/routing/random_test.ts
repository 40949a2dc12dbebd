import { assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { LocalRandomTable } from "../../broker/routing/local_random.ts";
import { RandomTable } from "../../broker/routing/random.ts";
import { bindingTo, namesFound, noHeaders, queue, TestVhost } from "./support.ts";

Deno.test("RandomTable picks one binding by chance, whatever the key", () => {
  let drawn = 0;
  const table = new RandomTable(() => drawn);
  assertEquals(namesFound(table, { routingKey: "k" }), []);
  for (const name of ["a", "b", "c"]) table.add(bindingTo(queue(name), name));
  const found = [0, 0.3, 0.34, 0.66, 0.67, 0.999].flatMap((number) => {
    drawn = number;
    return namesFound(table, { routingKey: "k" });
  });
  assertEquals(found, ["a", "a", "b", "b", "c", "c"]);
});

Deno.test("RandomTable draws none but the bindings that are there", () => {
  let drawn = 0;
  const table = new RandomTable(() => drawn);
  const bindings = ["a", "b", "c", "d"].map((name) => bindingTo(queue(name)));
  const found = () => {
    const names = Array.from({ length: bindings.length }, (_, index) => {
      drawn = index / bindings.length;
      return namesFound(table, {})[0];
    });
    return [...new Set(names)].sort();
  };
  for (const binding of bindings) table.add(binding);
  for (const [index, left] of [[1, "acd"], [3, "ac"], [0, "c"]] as const) {
    table.remove(bindings[index]!);
    assertEquals(found(), [...left]);
  }
  table.remove(bindings[2]!);
  assertEquals(found(), [undefined]);
  assertEquals(table.empty, true);
});

Deno.test("A random exchange draws anew for each message, and once for all keys of one", () => {
  const exchange = new TestVhost().declare("e", "x-random");
  for (let index = 0; index < 10; index++) exchange.bind(queue(`q${index}`), "");
  const found = new Set<string>();
  for (let message = 0; message < 1000; message++) {
    const queues = exchange.route("k", noHeaders, ["l", "m"]);
    assertEquals(queues.length, 1);
    found.add(queues[0]!.name);
  }
  // one of ten is missed by 1000 draws once in 10 ** 45 times
  assertEquals(found.size, 10);
});

Deno.test("LocalRandomTable takes classic queues without a key, and nothing else", () => {
  const table = new LocalRandomTable();
  const destination = { kind: "queue", name: "q", queueType: "classic" } as const;
  table.add(bindingTo(destination));
  const refused: readonly [Parameters<typeof bindingTo>, string][] = [
    [[destination, "k"], "Non empty binding 'k' key not permitted"],
    [
      [{ ...destination, queueType: "quorum" }],
      "Queue type rabbit_quorum_queue not valid for this exchange type",
    ],
    [[{ kind: "exchange", name: "e" }], "Destination not found"],
  ];
  for (const [binding, text] of refused) {
    const error = assertThrows(() => table.add(bindingTo(...binding)), AmqpError);
    assertEquals([error.replyCode, error.message], [406, `PRECONDITION_FAILED - ${text}`]);
  }
  assertEquals(namesFound(table, { routingKey: "any" }), ["q"]);
});

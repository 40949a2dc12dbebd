import { assertEquals } from "@std/assert";
import { differences, shapeOf } from "../compare/management/shape.ts";

Deno.test("a list that is empty on one side alone is a difference", () => {
  const between = (rabbitmq: unknown, warren: unknown) =>
    differences(shapeOf(rabbitmq), shapeOf(warren));
  assertEquals(between([{ a: 1 }], []), ["[]: empty in Warren"]);
  assertEquals(between({ list: [] }, { list: ["x"] }), ["list[]: empty in RabbitMQ"]);
  assertEquals(between({ list: [] }, { list: [] }), []);
  assertEquals(between([{ a: [1] }, { a: [] }], [{ a: [2] }]), []);
  assertEquals(between([{ a: [] }], [{ a: [{ b: 1 }] }]), ["[].a[]: empty in RabbitMQ"]);
});

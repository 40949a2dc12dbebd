import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Double } from "../../broker/amqp/field_table.ts";
import {
  basicPublish,
  type ConnectionStart,
  connectionStart,
  decodeMethod,
  encodeMethod,
  type Method,
  type MethodName,
  METHODS,
  type QueueDeclare,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { SPEC } from "../../broker/amqp/spec.ts";
import { GOLDEN_METHODS, wire } from "./golden.ts";
import { forSeeds, type RandomValues } from "./random_values.ts";

for (const { method, bytes } of GOLDEN_METHODS) {
  Deno.test(`${method.name} is encoded and decoded as the specification says`, () => {
    assertEquals(encoded(method), bytes);
    assertEquals(decodeMethod(bytes, 0, bytes.length), method);
  });
}

for (const name of Object.keys(METHODS) as MethodName[]) {
  Deno.test(`${name} survives encoding and decoding with any fields`, () => {
    forSeeds(50, (random) => {
      const method = randomMethod(random, name);
      const bytes = encoded(method);
      const decoded = decodeMethod(bytes, 0, bytes.length);
      assertEquals(decoded, method);
      assertEquals(Object.keys(decoded), Object.keys(method), "one order of keys");
    });
  });

  Deno.test(`${name} cut short anywhere is a frame error`, () => {
    forSeeds(5, (random) => {
      const bytes = encoded(randomMethod(random, name));
      for (let end = 0; end < bytes.length; end++) {
        const error = assertThrows(() => decodeMethod(bytes, 0, end), AmqpError);
        assertEquals(error.replyCode, 501);
      }
    });
  });
}

Deno.test("decodeMethod() tells a whole double from an integer in arguments, not in peer properties", () => {
  const table = { a: new Double(1), b: 1 };
  const again = (method: Method) => {
    const bytes = encoded(method);
    return decodeMethod(bytes, 0, bytes.length);
  };
  const declare = again(queueDeclare({ queue: "q", arguments: table }));
  assertEquals((declare as QueueDeclare).arguments, table);
  const start = again(connectionStart({ serverProperties: table, versionMinor: 9 }));
  assertEquals((start as ConnectionStart).serverProperties, { a: 1, b: 1 });
});

Deno.test("decodeMethod() reads its range alone and ignores what follows the fields", () => {
  const bytes = concat([wire(9, 9), encoded(basicPublish({ routingKey: "k" })), wire(9, 9)]);
  assertEquals(decodeMethod(bytes, 2, bytes.length), basicPublish({ routingKey: "k" }));
});

Deno.test("decodeMethod() answers random octets with an AmqpError or a method", () => {
  forSeeds(2000, (random) => {
    const bytes = random.damaged(encoded(randomMethod(random, random.pick(NAMES))));
    try {
      decodeMethod(bytes, 0, bytes.length);
    } catch (error) {
      assertInstanceOf(error, AmqpError);
    }
  });
});

Deno.test("decodeMethod() refuses methods that do not exist with 503 and names them", () => {
  for (const [classId, methodId] of [[60, 41], [61, 40], [40, 41], [0, 0]] as const) {
    const error = assertThrows(() => decodeMethod(wire(0, classId, 0, methodId), 0, 4), AmqpError);
    assertEquals(
      [error.replyCode, error.classId, error.methodId, error.message],
      [503, classId, methodId, "COMMAND_INVALID - unimplemented method"],
    );
  }
});

Deno.test("decodeMethod() refuses a short string that is not UTF-8", () => {
  const bytes = wire(0, 60, 0, 30, 1, 0xff, 0);
  const error = assertThrows(() => decodeMethod(bytes, 0, bytes.length), AmqpError);
  assertEquals(error.message, "FRAME_ERROR - Malformed UTF-8 in shortstr");
});

Deno.test("encodeMethod() writes nothing of a method that cannot be encoded", () => {
  const writer = new ByteWriter();
  writer.uint8(7);
  const cases: readonly [Method, typeof TypeError | typeof RangeError][] = [
    [queueDeclare({ queue: "q".repeat(256) }), TypeError],
    [queueDeclare({ queue: "q", arguments: { deep: [{ bad: 2n ** 63n }] } }), TypeError],
    [{ ...queueDeclare(), name: "basic.ack", deliveryTag: -1, multiple: false }, RangeError],
  ];
  for (const [method, type] of cases) {
    assertThrows(() => encodeMethod(writer, method), type);
    assertEquals(writer.written(), wire(7));
  }
});

Deno.test("METHODS knows ids, content, senders and replies", () => {
  assertEquals(METHODS["basic.publish"], {
    classId: 60,
    methodId: 40,
    id: 60 * 65536 + 40,
    content: true,
    sentBy: "client",
    replies: [],
  });
  assertEquals(METHODS["basic.get"].replies, ["basic.get-ok", "basic.get-empty"]);
  assertEquals(METHODS["exchange.unbind"].replies, ["exchange.unbind-ok"]);
  const ids = Object.values(METHODS).map(({ id }) => id);
  assertEquals(new Set(ids).size, 66);
  const named = Object.values(METHODS).flatMap(({ replies }) => replies);
  assertEquals(named.filter((name) => METHODS[name].replies.length > 0), [], "no reply to a reply");
});

const NAMES = Object.keys(METHODS) as MethodName[];

function encoded(method: Method): Uint8Array {
  const writer = new ByteWriter(4);
  encodeMethod(writer, method);
  return writer.written();
}

/** Makes a method from the table itself, so that codec and table are compared. */
function randomMethod(random: RandomValues, fullName: MethodName): Method {
  const [className, methodName] = fullName.split(".") as [string, string];
  const fields = SPEC[className]?.methods[methodName]?.fields ?? "";
  const method: Record<string, unknown> = { name: fullName };
  for (const part of fields.split(", ")) {
    const [type, ...names] = part.split(" ");
    for (const name of names.filter((name) => name !== "reserved")) {
      method[camelCase(name)] = randomField(random, type);
    }
  }
  // no field of the wire
  if (fullName === "basic.publish") method["bears"] = undefined;
  return method as unknown as Method;
}

function randomField(random: RandomValues, type: string | undefined): unknown {
  switch (type) {
    case "bit":
      return random.boolean();
    case "octet":
      return random.below(0x100);
    case "short":
      return random.below(0x1_0000);
    case "long":
      return random.below(0x1_0000_0000);
    case "longlong":
      return random.below(Number.MAX_SAFE_INTEGER);
    case "shortstr":
      return random.text(255);
    case "text":
      return random.text(1000);
    case "longstr":
      return random.bytes(1000);
    case "table":
      return random.fieldTable();
  }
}

function camelCase(name: string): string {
  return name.replace(/-./g, (match) => match.charAt(1).toUpperCase());
}

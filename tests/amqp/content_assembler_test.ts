import { assert, assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import { ContentAssembler } from "../../broker/amqp/content_assembler.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import { basicPublish, basicReturn } from "../../broker/amqp/methods/mod.ts";
import { seenContent } from "../support/recording_receiver.ts";
import { headerFrame } from "./frames.ts";
import { wire } from "./golden.ts";

const PUBLISH = basicPublish({ exchange: "x", routingKey: "key" });
/** A read buffer as a link has it: an address, and room for what else a test puts there. */
const ADDRESS = wire(1, "x", 3, "key");

function begun(method = PUBLISH): ContentAssembler {
  const assembler = new ContentAssembler(1);
  assembler.begin(method, "x", "key", ADDRESS, 0, ADDRESS.length);
  return assembler;
}

function header(assembler: ContentAssembler, bodySize: number, properties?: number[]): boolean {
  const bytes = headerFrame(1, bodySize, properties === undefined ? {} : { properties });
  return assembler.header(bytes, new DataView(bytes.buffer), 7, bytes.length - 1);
}

function body(assembler: ContentAssembler, text: string): boolean {
  const bytes = wire(text);
  return assembler.body(bytes, 0, bytes.length);
}

Deno.test("ContentAssembler goes from method to header to body and back", () => {
  const assembler = new ContentAssembler(7);
  assertEquals([assembler.channel, assembler.expects], [7, "method"]);
  assembler.begin(PUBLISH, "x", "key", ADDRESS, 0, ADDRESS.length);
  assertEquals(assembler.expects, "header");
  assertEquals(header(assembler, 4, [0x08, 0, 5]), false);
  assertEquals(assembler.expects, "body");
  assertEquals(body(assembler, "body"), true);
  assertEquals(assembler.expects, "method");
  assertEquals(seenContent(assembler.content), {
    exchange: "x",
    routingKey: "key",
    properties: { priority: 5 },
    body: "body",
  });
});

Deno.test("ContentAssembler has a content whole at its header when its body is empty", () => {
  const assembler = begun();
  assertEquals(header(assembler, 0), true);
  assertEquals(assembler.expects, "method");
  assertEquals(seenContent(assembler.content).body, "");
});

Deno.test("ContentAssembler leaves a body of one frame where it was read", () => {
  const assembler = begun();
  header(assembler, 4);
  const bytes = wire("....body....");
  assertEquals(assembler.body(bytes, 4, 8), true);
  const { content } = assembler;
  assertStrictEquals(content.body, bytes);
  assertEquals([content.bodyStart, content.bodyEnd, content.transferred], [4, 8, false]);
});

Deno.test("ContentAssembler collects a body of several frames in a buffer that it gives away", () => {
  const assembler = begun();
  header(assembler, 10);
  assertEquals(body(assembler, "012"), false);
  assertEquals(body(assembler, ""), false);
  assertEquals(body(assembler, "345678"), false);
  assertEquals(body(assembler, "9"), true);
  const { content } = assembler;
  assertEquals(seenContent(content).body, "0123456789");
  assert(content.transferred);

  const first = content.body;
  assembler.begin(PUBLISH, "x", "key", ADDRESS, 0, ADDRESS.length);
  header(assembler, 4);
  body(assembler, "ne");
  body(assembler, "xt");
  assert(first.buffer !== content.body.buffer, "the buffer given away is not used again");
  assertEquals(new TextDecoder().decode(first.subarray(0, 10)), "0123456789");
  assertEquals(seenContent(content).body, "next");
});

Deno.test("ContentAssembler is itself again for the next content", () => {
  const assembler = begun();
  header(assembler, 10, [0x08, 0, 5]);
  body(assembler, "01234");
  body(assembler, "56789");
  assembler.begin(PUBLISH, "", "q", wire(0, 1, "q"), 0, 3);
  header(assembler, 1);
  body(assembler, "!");
  const { content } = assembler;
  assertEquals(content.transferred, false);
  assertEquals(seenContent(content), { exchange: "", routingKey: "q", properties: {}, body: "!" });
});

Deno.test("ContentAssembler keeps what it has when the read buffer changes, at any time", () => {
  for (const [afterMethod, afterHeader, afterBody] of allBooleans()) {
    const buffer = new Uint8Array(64);
    const view = new DataView(buffer.buffer);
    const read = (bytes: Uint8Array) => {
      buffer.fill(0xff);
      buffer.set(bytes, 5);
    };
    const assembler = new ContentAssembler(1);
    const change = (really: boolean) => {
      if (really) {
        assembler.leaveReadBuffer();
        buffer.fill(0xff);
      }
      return really;
    };

    buffer.set(ADDRESS, 50);
    assembler.begin(PUBLISH, "x", "key", buffer, 50, 50 + ADDRESS.length);
    change(afterMethod);
    const payload = headerFrame(1, 6, { properties: [0x08, 0, 5] }).subarray(7, -1);
    buffer.set(payload, 20);
    assembler.header(buffer, view, 20, 20 + payload.length);
    change(afterHeader);
    buffer.set(wire("abc"), 40);
    assembler.body(buffer, 40, 43);
    if (change(afterBody)) read(wire("def"));
    else buffer.set(wire("def"), 5);
    assertEquals(assembler.body(buffer, 5, 8), true);
    assertEquals(
      seenContent(assembler.content),
      { exchange: "x", routingKey: "key", properties: { priority: 5 }, body: "abcdef" },
      `${afterMethod} ${afterHeader} ${afterBody}`,
    );
    const { content } = assembler;
    assertEquals(content.head!.subarray(content.addressStart, content.addressEnd), ADDRESS);
  }
});

Deno.test("ContentAssembler refuses frames in the wrong order as RabbitMQ does", () => {
  const cases: readonly (readonly [state: string, came: string, text: string])[] = [
    ["method", "header", "expected method frame, got non method frame instead"],
    ["method", "body", "expected method frame, got non method frame instead"],
    [
      "header",
      "method",
      "expected content header for class 60, got non content header frame instead",
    ],
    [
      "header",
      "body",
      "expected content header for class 60, got non content header frame instead",
    ],
    ["header", "class 50", "expected content header for class 60, got one for class 50 instead"],
    ["body", "method", "expected content body, got non content body frame instead"],
    ["body", "header", "expected content body, got non content body frame instead"],
  ];
  for (const [state, came, text] of cases) {
    const assembler = state === "method" ? new ContentAssembler(1) : begun();
    if (state === "body") header(assembler, 3);
    assertEquals(assembler.expects, state);
    const error = assertThrows(() => {
      if (came === "method") throw assembler.unexpected("method", 0);
      else if (came === "body") body(assembler, "abc");
      else if (came === "header") header(assembler, 3);
      else {
        const bytes = headerFrame(1, 3, { classId: 50 });
        assembler.header(bytes, new DataView(bytes.buffer), 7, bytes.length - 1);
      }
    }, AmqpError);
    assertEquals([error.replyCode, error.message], [505, `UNEXPECTED_FRAME - ${text}`]);
    assertEquals(
      [error.classId, error.methodId],
      state === "method" ? [0, 0] : [60, 40],
      "blames the method whose content it is",
    );
  }
});

Deno.test("ContentAssembler blames the method whose content it is", () => {
  const assembler = new ContentAssembler(1);
  assembler.begin(basicReturn(), "x", "key", ADDRESS, 0, ADDRESS.length);
  assertEquals(assembler.unexpected("method", 0).methodId, 50);
  assembler.begin(undefined, "x", "key", ADDRESS, 0, ADDRESS.length);
  assertEquals(assembler.unexpected("method", 0).methodId, 60);
});

Deno.test("ContentAssembler refuses more body than was announced", () => {
  for (const pieces of [["12345"], ["123", "45"], ["1", "2", "3", "45"]]) {
    const assembler = begun();
    header(assembler, 4);
    const last = pieces.at(-1)!;
    for (const piece of pieces.slice(0, -1)) body(assembler, piece);
    const error = assertThrows(() => body(assembler, last), AmqpError);
    assertEquals(
      [error.replyCode, error.message],
      [501, "FRAME_ERROR - content body frame exceeds remaining content size"],
    );
  }
});

Deno.test("ContentAssembler refuses a body above 512 MiB when it is announced", () => {
  for (const size of [536_870_913, 2 ** 32, 2 ** 53]) {
    const error = assertThrows(() => header(begun(), size), AmqpError);
    assertEquals(
      [error.replyCode, error.message],
      [501, `FRAME_ERROR - content body size ${size} exceeds maximum allowed size 536870912`],
    );
  }
  assertEquals(header(begun(), 536_870_912), false);
});

Deno.test("ContentAssembler refuses headers that are no headers", () => {
  const short = wire(0, 60, 0);
  const error = assertThrows(
    () => begun().header(short, new DataView(short.buffer), 0, short.length),
    AmqpError,
  );
  assertEquals(error.message, "FRAME_ERROR - type 2, all octets = <<0,60,0>>: unknown_frame");
  for (
    const properties of [
      [0, 1], // more flags follow, which there never are
      [0x08, 0], // a priority is announced and missing
      [0, 0, 1], // and one is there that was not announced
      [0x20, 0, 0, 0, 0, 3, 1, 0x61, 0x21], // a field of an unknown type
    ]
  ) {
    const refused = assertThrows(() => header(begun(), 0, properties), AmqpError);
    assert(refused.hard);
  }
});

Deno.test("ContentAssembler makes no room for a body before it comes", () => {
  const before = Deno.memoryUsage().external;
  const assemblers = Array.from({ length: 200 }, () => {
    const assembler = begun();
    header(assembler, 536_870_912);
    body(assembler, "x");
    return assembler;
  });
  const grown = Deno.memoryUsage().external - before;
  assertEquals(assemblers.every(({ expects }) => expects === "body"), true);
  // 100 GiB were announced
  assertLess(grown, 32 * 1024 * 1024);
});

function allBooleans(): [boolean, boolean, boolean][] {
  return Array.from({ length: 8 }, (_, n) => [(n & 1) > 0, (n & 2) > 0, (n & 4) > 0]);
}

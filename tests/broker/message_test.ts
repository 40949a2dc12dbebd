import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { Content } from "../../broker/amqp/content.ts";
import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import { type BasicProperties, encodeProperties } from "../../broker/amqp/properties.ts";
import { Message } from "../../broker/message.ts";
import { type Page, PAGE_SIZE, PAGED_MAX, PagePool, type PageSpace } from "../../broker/pages.ts";
import { forSeeds, type RandomValues } from "../amqp/random_values.ts";
import { type SeenContent, seenContent } from "../support/recording_receiver.ts";

/** What a test publishes. */
type Published = SeenContent & { readonly transferred?: boolean };

/** A read buffer that a link uses again and again: what came before is gone after each turn. */
class ReadBuffer {
  #bytes = new Uint8Array(400_000);

  /** A content that lies in the buffer, as a wire brings it; its body may have been given away. */
  content(published: Published): Content {
    const writer = new ByteWriter();
    writer.uint8(0xee);
    writer.shortString(published.exchange);
    writer.shortString(published.routingKey);
    const addressEnd = writer.length;
    writer.uint8(0xee);
    const propertiesStart = writer.length;
    encodeProperties(writer, published.properties);
    const propertiesEnd = writer.length;
    this.#bytes.set(writer.written());
    const body = new TextEncoder().encode(published.body);
    const content = new Content();
    Object.assign(content, {
      exchange: published.exchange,
      routingKey: published.routingKey,
      head: this.#bytes,
      addressStart: 1,
      addressEnd,
      propertiesStart,
      propertiesEnd,
    });
    if (published.transferred) {
      content.body = body;
      content.bodyEnd = body.length;
      content.transferred = true;
    } else {
      content.body = this.#bytes;
      content.bodyStart = propertiesEnd + 3;
      content.bodyEnd = content.bodyStart + body.length;
      this.#bytes.set(body, content.bodyStart);
    }
    return content;
  }

  /** The turn is over. */
  overwrite(): void {
    this.#bytes.fill(0xff);
  }
}

const HELLO: Published = {
  exchange: "x",
  routingKey: "key",
  properties: { contentType: "text/plain" },
  body: "hello",
};

Deno.test("Message that is held keeps what it says when the read buffer changes", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const message = new Message(buffer.content(HELLO));
  message.hold(pages);
  buffer.overwrite();
  message.routed(pages);
  assertEquals(seenContent(message), HELLO);
  assertEquals(
    new TextDecoder().decode(message.head!.subarray(message.addressStart, message.addressEnd)),
    "\x01x\x03key",
  );
  assertEquals([message.size, message.headers()], [5, undefined]);
});

Deno.test("Message is copied by its first holder alone", () => {
  const pages = new PagePool();
  const message = new Message(new ReadBuffer().content(HELLO));
  message.hold(pages);
  const { body, bodyStart } = message;
  message.hold(pages);
  message.release(pages);
  assertEquals([message.body === body, message.bodyStart], [true, bodyStart]);
});

Deno.test("Message stays while anybody holds it, and not longer", () => {
  const pages = new PagePool();
  const message = new Message(new ReadBuffer().content(HELLO));
  message.hold(pages);
  message.hold(pages);
  message.routed(pages);
  message.release(pages);
  assertEquals(seenContent(message), HELLO);
  message.release(pages);
  assertEquals([message.head, message.size], [undefined, 0], "its room is somebody else's now");
  assertThrows(() => message.release(pages), Error);
});

Deno.test("Message stays until all queues have seen it, though some are done with it", () => {
  const pages = new PagePool();
  const message = new Message(new ReadBuffer().content(HELLO));
  message.hold(pages);
  message.release(pages);
  assertEquals(seenContent(message), HELLO);
  message.hold(pages);
  message.routed(pages);
  assertEquals(seenContent(message), HELLO);
  message.release(pages);
  assertEquals(message.size, 0);
  assertEquals(pages.pageFor(1).messages, 0, "it lay in its page once");
});

Deno.test("Message that nobody holds takes no room", () => {
  const pages = new PagePool();
  const before = pages.pageFor(1).used;
  const message = new Message(new ReadBuffer().content(HELLO));
  message.routed(pages);
  assertEquals(pages.pageFor(1).used, before);
  assertEquals(seenContent(message), HELLO, "it is good for the turn, as the content is");
});

Deno.test("Message leaves a large body that was given to it where it is", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const content = buffer.content({ ...HELLO, body: "x".repeat(4096), transferred: true });
  const message = new Message(content);
  message.hold(pages);
  buffer.overwrite();
  message.routed(pages);
  assertEquals(message.body === content.body, true);
  assertEquals(seenContent(message).exchange, "x");
});

Deno.test("Message larger than a page takes gets a buffer of its own", () => {
  const pages = new PagePool();
  const before = pages.pageFor(1).used;
  const buffer = new ReadBuffer();
  const published = { ...HELLO, body: "x".repeat(PAGED_MAX) };
  const message = new Message(buffer.content(published));
  message.hold(pages);
  buffer.overwrite();
  message.routed(pages);
  assertEquals(seenContent(message), published);
  assertEquals(pages.pageFor(1).used, before);
  message.release(pages);
});

Deno.test("Message made in this process keeps its properties as an object and copies its body", () => {
  const pages = new PagePool();
  const content = new Content();
  const properties: BasicProperties = { headers: { a: 1 } };
  Object.assign(content, { exchange: "", routingKey: "q", properties });
  content.body = new TextEncoder().encode("...body");
  content.bodyStart = 3;
  content.bodyEnd = 7;
  const message = new Message(content);
  message.hold(pages);
  content.body.fill(0);
  message.routed(pages);
  assertEquals(seenContent(message), { exchange: "", routingKey: "q", properties, body: "body" });
  assertEquals(message.headers(), { a: 1 });
  message.release(pages);
});

Deno.test("Message without a body and without a head holds nothing", () => {
  const pages = new PagePool();
  const message = new Message(new Content());
  message.hold(pages);
  message.hold(pages);
  message.routed(pages);
  message.release(pages);
  message.release(pages);
  assertEquals(message.size, 0);
});

Deno.test("Messages stay what they are while others come, are held and go in any order", () => {
  forSeeds(40, (random) => {
    const pages = new PagePool();
    const buffer = new ReadBuffer();
    const held: { message: Message; holders: number; published: Published }[] = [];
    const buffers = new Set<ArrayBufferLike>();
    for (let step = 0; step < 400; step++) {
      if (random.below(5) < 3) {
        const published = randomMessage(random);
        const message = new Message(buffer.content(published));
        // its queues take it one after the other; some give it to a consumer without ack at once
        let holders = 0;
        for (let queues = random.below(4); queues > 0; queues--) {
          message.hold(pages);
          if (random.below(3) === 0) message.release(pages);
          else holders++;
        }
        message.routed(pages);
        if (holders > 0) {
          held.push({ message, holders, published });
          buffers.add(message.head!.buffer);
        }
      } else if (held.length > 0) {
        const index = random.below(held.length);
        const one = held[index]!;
        one.message.release(pages);
        if (--one.holders === 0) held.splice(index, 1);
      }
      buffer.overwrite();
      if (step % 20 === 0) check(held);
      // now and then all is settled, so that pages are filled anew
      if (random.below(100) === 0) {
        for (const { message, holders } of held.splice(0)) {
          for (let holder = 0; holder < holders; holder++) message.release(pages);
        }
      }
    }
    check(held);
    for (const { message, holders } of held) {
      for (let holder = 0; holder < holders; holder++) message.release(pages);
    }
    assertEquals(pages.pageFor(1).messages, 0);
  });
});

Deno.test("Messages that come and go use the same pages again", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const seen = new Set<ArrayBufferLike>();
  let waiting: Message[] = [];
  // 40 MB pass, and never more than 2 MB wait
  for (let round = 0; round < 20; round++) {
    const batch = Array.from({ length: 500 }, () => {
      const message = new Message(buffer.content({ ...HELLO, body: "x".repeat(4000) }));
      message.hold(pages);
      message.routed(pages);
      seen.add(message.body.buffer);
      return message;
    });
    for (const message of waiting) message.release(pages);
    waiting = batch;
  }
  assertLessOrEqual(seen.size, 8);
});

function check(held: readonly { message: Message; published: Published }[]): void {
  for (const { message, published } of held) {
    const { transferred: _, ...expected } = published;
    const seen = seenContent(message);
    // long bodies are not to be printed
    assert(seen.body === expected.body, `body of ${expected.body.length} bytes changed`);
    assertEquals({ ...seen, body: "" }, { ...expected, body: "" });
    const address = message.head!.subarray(message.addressStart, message.addressEnd);
    const { exchange, routingKey } = expected;
    assertEquals(address[0], new TextEncoder().encode(exchange).length);
    assert(new TextDecoder("utf-8", { ignoreBOM: true }).decode(address).endsWith(routingKey));
  }
}

function randomMessage(random: RandomValues): Published {
  const size = random.below(random.pick([1, 20, 60, 5000, 20_000, 70_000]));
  return {
    exchange: random.pick(["", "logs", random.text(255)]),
    routingKey: random.text(255),
    properties: random.pick([{}, { messageId: random.text(255) }, { priority: random.below(10) }]),
    body: String.fromCharCode(97 + random.below(26)).repeat(size),
    transferred: random.boolean(),
  };
}

Deno.test("Message begins in the object of one that was packed, and takes nothing from it", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const first = Message.begin(buffer.content(HELLO));
  const place = first.pack(pages);
  first.routed(pages);
  first.done();
  const second = Message.begin(buffer.content({ ...HELLO, routingKey: "other", body: "another" }));
  assert(second === first);
  second.hold(pages);
  second.routed(pages);
  second.done();
  buffer.overwrite();
  const third = Message.begin(buffer.content(HELLO));
  assert(third !== second, "somebody holds it");
  third.done();
  const packed = Message.unpack(pages, place);
  assertEquals(seenContent(packed), HELLO);
  assertEquals(seenContent(second), { ...HELLO, routingKey: "other", body: "another" });
  packed.release(pages);
  second.release(pages);
  assertEquals(pages.pageFor(1).messages, 0);
});

Deno.test("Message that is packed and held is nobody else's object", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const message = Message.begin(buffer.content(HELLO));
  message.pack(pages);
  message.hold(pages);
  message.routed(pages);
  message.done();
  const next = Message.begin(buffer.content(HELLO));
  assert(next !== message);
  next.done();
  assertEquals(seenContent(message), HELLO);
});

Deno.test("Message whose last holder goes while it is published is not begun anew before that is done", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const message = Message.begin(buffer.content(HELLO));
  message.hold(pages);
  message.routed(pages);
  message.release(pages);
  const meanwhile = Message.begin(buffer.content(HELLO));
  assert(meanwhile !== message);
  message.done();
  const next = Message.begin(buffer.content(HELLO));
  const afterNext = Message.begin(buffer.content(HELLO));
  assert(next === message);
  assert(afterNext !== message, "it is given away once");
  for (const begun of [meanwhile, next, afterNext]) begun.done();
});

/** A disk that takes all pages, and never forgets one. */
function endlessSpace(): PageSpace {
  const blocks: Uint8Array[] = [];
  return {
    takes: true,
    write: (bytes, length) => blocks.push(bytes.slice(0, length)),
    read: (block, bytes) => bytes.set(blocks[block - 1]!),
    free: () => {},
  };
}

/** A content that a link fills in, in the object that it has from its receiver. */
function filledIn(content: Content, buffer: ReadBuffer): Content {
  const { head, addressStart, addressEnd, propertiesStart, propertiesEnd, bodyStart, bodyEnd } =
    buffer.content(HELLO);
  const { exchange, routingKey } = HELLO;
  return Object.assign(content, {
    ...{ exchange, routingKey, head, addressStart, addressEnd, propertiesStart, propertiesEnd },
    ...{ body: head, bodyStart, bodyEnd, properties: undefined, framed: false },
  });
}

Deno.test("Messages of one queue alone that share a head count in their page", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const places = ["first", "second", "third one"].map((body) => {
    const message = Message.begin(buffer.content({ ...HELLO, body }));
    message.alone = true;
    const place = message.pack(pages, true);
    message.routed(pages);
    message.done();
    return place;
  });
  const page = pages.pageAt(places[0]!);
  const counts = () => [page.messages, page.packed, page.live];
  assertEquals(counts(), [3, 3, page.used]);
  const second = Message.unpack(pages, places[1]!);
  assertEquals(seenContent(second).body, "second");
  assertEquals(counts(), [3, 2, page.used - "second".length - 6]);
  second.release(pages);
  Message.releasePacked(pages, places[0]!);
  assertEquals([page.messages, page.packed], [1, 1]);
  assertEquals(seenContent(Message.look(pages, places[2]!)).body, "third one");
});

Deno.test("Message in which a publish comes is used again when nobody keeps it", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const before = new Message(buffer.content(HELLO));
  before.pack(pages, true);
  before.routed(pages);
  const content = Message.empty();
  assertEquals(content.kept, false);
  for (const doing of ["nothing", "hold", "pack", "change", "nothing"]) {
    const message = Message.begin(filledIn(content, buffer));
    assertEquals(message === content, true);
    assertEquals(content.kept, true, "until its publish is done");
    assertEquals([seenContent(message), message.expirationMs], [HELLO, Infinity]);
    if (doing === "hold") {
      message.hold(pages);
      message.release(pages);
    }
    message.alone = doing === "pack";
    if (message.alone) message.pack(pages, true);
    if (doing === "change") {
      message.loseHead();
      message.properties = { expiration: "5" };
      message.expirationMs = 5;
    }
    message.routed(pages);
    message.done();
    assertEquals(content.kept, false);
  }
  assertEquals(Message.begin(buffer.content(HELLO)) === content, false, "it is its link's alone");
});

Deno.test("Message in which a publish comes is not used again when somebody keeps it", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const content = Message.empty();
  const message = Message.begin(filledIn(content, buffer));
  message.hold(pages);
  message.routed(pages);
  message.done();
  assertEquals(content.kept, true);
  const next = Message.begin(buffer.content(HELLO));
  assertEquals(next === content, false);
  next.done();
  message.release(pages);
});

Deno.test("Message that waited in a connection is copied to be published", () => {
  const pages = new PagePool();
  const waiting = new Message(new ReadBuffer().content(HELLO));
  waiting.hold(pages);
  const message = Message.begin(waiting);
  assertEquals(message === waiting, false);
  assertEquals(seenContent(message), HELLO);
  message.routed(pages);
  message.done();
  waiting.routed(pages);
  waiting.release(pages);
  assertEquals(pages.bytes, PAGE_SIZE, "the one that is filled next");
});

Deno.test("Pages that are full keep no texts of what lies in them", () => {
  const pages = new PagePool();
  const filled = new Set<Page>();
  for (let count = 0; count < 100; count++) {
    const content = new Content();
    content.exchange = "logs";
    content.routingKey = `key ${count}`;
    content.body = new Uint8Array(60_000);
    content.bodyEnd = content.body.length;
    const message = new Message(content);
    assert(message.pack(pages, true) > 0);
    message.routed(pages);
    const leaving = pages.leaving!;
    assertEquals([leaving.headExchange, leaving.headKey], ["logs", content.routingKey]);
    filled.add(leaving);
  }
  filled.delete(pages.leaving!);
  assert(filled.size > 3);
  for (const page of filled) assertEquals([page.headExchange, page.headKey], ["", undefined]);
});

Deno.test("Message shares address and properties with the one before it in its page", () => {
  forSeeds(50, (random) => {
    const pages = new PagePool(random.pick([0, Infinity]));
    pages.space = endlessSpace();
    const buffer = new ReadBuffer();
    const heads = Array.from({ length: 3 }, () => randomMessage(random));
    // which differ in one thing alone
    for (const name of ["exchange", "routingKey", "properties"] as const) {
      heads.push({ ...heads[0]!, [name]: randomMessage(random)[name] });
    }
    let published = heads[0]!;
    const packed: [number, Published][] = [];
    for (let count = 0; count < 2000; count++) {
      if (random.below(10) === 0) published = random.pick(heads);
      const size = random.pick([0, 1, 16, 300, 20_000]);
      const each = {
        ...published,
        body: `${count}`.repeat(size).slice(0, size),
        transferred: false,
      };
      const content = buffer.content(each);
      // nobody has made a text of it
      if (random.below(10) === 0) content.keyText = undefined;
      const message = Message.begin(content);
      message.alone = random.below(2) === 0;
      const place = message.pack(pages, true);
      assert(place > 0);
      assertEquals(seenContent(message), seenContent(new Message(buffer.content(each))));
      message.routed(pages);
      message.done();
      buffer.overwrite();
      packed.push([place, each]);
    }
    for (const [place, each] of packed) {
      const { exchange, routingKey, properties, body } = each;
      const expected = { exchange, routingKey, properties, body };
      const seen = Message.look(pages, place);
      const message = Message.unpack(pages, place);
      for (const found of [seen, message]) {
        const { exchange, routingKey, properties, body } = seenContent(found);
        assertEquals({ exchange, routingKey, properties, body }, expected);
      }
      message.release(pages);
    }
    assertEquals(pages.bytes <= 2 * PAGE_SIZE, true, "nothing is left");
  });
});

Deno.test("Message that shares what another one has takes its body and six octets", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const used: number[] = [];
  for (let count = 0; count < 3; count++) {
    const message = Message.begin(buffer.content(HELLO));
    message.pack(pages, true);
    used.push(pages.leaving!.used);
    message.routed(pages);
    message.done();
  }
  assertEquals(used[2]! - used[1]!, HELLO.body.length + 6);
  assert(used[0]! > used[2]! - used[1]!);
});

Deno.test("Message that several queues pack lies in its page once, and one of a queue alone stays where it came", () => {
  const pages = new PagePool();
  const buffer = new ReadBuffer();
  const first = Message.begin(buffer.content(HELLO));
  const places = [first.pack(pages, true)];
  first.routed(pages);
  first.done();
  for (const alone of [false, true]) {
    const content = buffer.content(HELLO);
    const message = Message.begin(content);
    message.alone = alone;
    const place = message.pack(pages, true);
    const { used } = pages.leaving!;
    assertEquals(message.body === content.body, alone);
    if (!alone) {
      assertEquals(message.pack(pages, true), place);
      assertEquals(pages.leaving!.used, used);
      places.push(place);
    }
    places.push(place);
    message.routed(pages);
    message.done();
    buffer.overwrite();
  }
  // what packs and then is held by somebody else, such as a trace, is told by either
  const held = Message.begin(buffer.content(HELLO));
  held.alone = true;
  places.push(held.pack(pages, true));
  held.hold(pages);
  held.routed(pages);
  held.done();
  buffer.overwrite();
  assertEquals(seenContent(held).body, HELLO.body);
  held.release(pages);
  for (const place of places) {
    const message = Message.unpack(pages, place);
    assertEquals(seenContent(message).body, HELLO.body);
    message.release(pages);
  }
  assertEquals([pages.leaving!.messages, pages.leaving!.live], [0, 0]);
});

Deno.test("Message that somebody holds is packed in a page that may leave as well, while memory is short", () => {
  const pages = new PagePool(0);
  pages.space = endlessSpace();
  const buffer = new ReadBuffer();
  const filler = Message.begin(buffer.content(HELLO));
  filler.hold(pages);
  filler.routed(pages);
  const message = Message.begin(buffer.content(HELLO));
  message.hold(pages);
  const places = [message.pack(pages, true), message.pack(pages, true)];
  message.routed(pages);
  message.done();
  buffer.overwrite();
  message.release(pages);
  for (const place of places) {
    assertEquals(pages.pageAt(place).leaves, true);
    const found = Message.unpack(pages, place);
    assertEquals(seenContent(found).body, HELLO.body);
    assertEquals(found.routingKey, HELLO.routingKey);
    found.release(pages);
  }
  filler.release(pages);
  assertEquals(pages.bytes, 2 * PAGE_SIZE, "the two that are filled next, and nothing else");
});

Deno.test("Message of this process that is held keeps very many fields, or long ones, in its page", () => {
  const light = { headers: { one: 1, two: "text" }, type: "t" };
  const many: Record<string, FieldValue> = {};
  for (let index = 0; index < 40; index++) many[`field-${index}`] = index;
  const long: FieldValue = "x".repeat(2000);
  const heavy: FieldTable[] = [
    many,
    { long },
    { list: Array.from({ length: 40 }, () => null) },
    { table: many },
    { bytes: new Uint8Array(2000) },
  ];
  for (
    const { headers, stays } of [
      { headers: light.headers, stays: true },
      ...heavy.map((headers) => ({ headers, stays: false })),
    ]
  ) {
    const pages = new PagePool();
    const content = new Content();
    content.exchange = "x";
    content.routingKey = "key";
    content.properties = { headers, type: "t" };
    const message = new Message(content);
    message.hold(pages);
    message.routed(pages);
    assertEquals(message.properties !== undefined, stays);
    assertEquals(pages.bytes > 1000, !stays);
    assertEquals(message.basicProperties(), { headers, type: "t" });
    assertEquals([message.exchange, message.routingKey], ["x", "key"]);
    message.release(pages);
  }
});

import { assertEquals, assertMatch } from "@std/assert";
import { Content, NO_BYTES } from "../../broker/amqp/content.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import type { DelayLine } from "../../broker/vhost/delay_line.ts";
import { DelayedMessages } from "../../broker/vhost/delayed_messages.ts";
import { bodyOf } from "../queue/support.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

/** A line that notes what is due and when. */
class NotingLine {
  readonly noted: string[] = [];
  readonly line: DelayLine;
  readonly #delayed: DelayedMessages;

  constructor(
    delayed: DelayedMessages,
    onDue: (message: Message) => void = () => {},
  ) {
    this.#delayed = delayed;
    this.line = delayed.open({
      name: "exchange 'later'",
      onDue: (message) => {
        this.noted.push(`${message.routingKey} at ${delayed.clock.now()}`);
        onDue(message);
        return true;
      },
    });
  }

  get length(): number {
    return this.line.length;
  }

  add(message: Message, dueMs: number): void {
    this.line.add(message, dueMs);
  }

  remove(): void {
    this.#delayed.remove(this.line);
  }
}

/** A message that its routing key names. */
function message(name: string, body = NO_BYTES): Message {
  const content = new Content();
  content.routingKey = name;
  content.body = body;
  content.bodyEnd = body.length;
  return new Message(content);
}

function setUp() {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const pages = new PagePool();
  const delayed = new DelayedMessages({ clock, pages, logger });
  return { clock, logger, pages, delayed, line: new NotingLine(delayed) };
}

Deno.test("DelayedMessages gives each message back when it is due", () => {
  const { clock, delayed, line } = setUp();
  for (const due of [30, 10, 50, 20, 40]) line.add(message(`m${due}`), due);
  clock.advance(9);
  assertEquals(line.noted, []);
  clock.advance(11);
  assertEquals(line.noted, ["m10 at 10", "m20 at 20"]);
  assertEquals([delayed.size, line.length], [3, 3]);
  clock.advance(100);
  assertEquals(line.noted.slice(2), ["m30 at 30", "m40 at 40", "m50 at 50"]);
  assertEquals([delayed.size, line.length, clock.timers], [0, 0, 0]);
});

Deno.test("DelayedMessages keeps the order of messages that are due together", () => {
  const { clock, line } = setUp();
  const expected = Array.from({ length: 500 }, (_, index) => `m${index}`);
  // some that are due later make the heap move things
  expected.forEach((name, index) => {
    line.add(message(name), 1000);
    line.add(message("later"), 2000 - index);
  });
  clock.advance(1000);
  assertEquals(line.noted, expected.map((name) => `${name} at 1000`));
});

Deno.test("DelayedMessages has one timer, however many messages wait", () => {
  const { clock, line } = setUp();
  for (let index = 0; index < 5000; index++) line.add(message("m"), 10_000 - index);
  assertEquals(clock.timers, 1);
  clock.advance(20_000);
  assertEquals(line.noted.length, 5000);
  assertEquals(clock.timers, 0);
});

Deno.test("DelayedMessages agrees with a sorted list, whatever comes and goes", () => {
  const { clock, delayed, line } = setUp();
  const other = new NotingLine(delayed);
  const expected: { readonly due: number; readonly name: string }[] = [];
  for (let index = 0; index < 3000; index++) {
    const due = clock.now() + 1 + Math.floor(Math.random() * 500);
    expected.push({ due, name: `m${index}` });
    line.add(message(`m${index}`), due);
    other.add(message("other"), due);
    if (index % 700 === 0) other.line.clear();
    if (index % 10 === 0) clock.advance(3);
  }
  clock.advance(1000);
  const sorted = expected.sort((a, b) => a.due - b.due); // a stable sort
  assertEquals(line.noted, sorted.map(({ due, name }) => `${name} at ${due}`));
});

Deno.test("DelayLine.clear() forgets what waits, and nothing of other lines", () => {
  const { clock, delayed, line } = setUp();
  const other = new NotingLine(delayed);
  for (let index = 0; index < 20; index++) {
    (index % 3 === 0 ? other : line).add(message(`m${index}`), 100 - index);
  }
  line.line.clear();
  assertEquals([delayed.size, line.length, other.length], [7, 0, 7]);
  line.line.clear();
  assertEquals(delayed.size, 7);
  clock.advance(100);
  assertEquals(line.noted, []);
  assertEquals(other.noted.map((text) => text.split(" ")[0]), [
    "m18",
    "m15",
    "m12",
    "m9",
    "m6",
    "m3",
    "m0",
  ]);
  line.add(message("last"), 500);
  line.line.clear();
  assertEquals(clock.timers, 0);
});

Deno.test("DelayLine.clear() lets go of very many over several turns", async () => {
  const { clock, line } = setUp();
  const add = (count: number) => {
    for (let index = 0; index < count; index++) line.add(message("m", new Uint8Array(100)), 100);
  };
  add(12_000);
  assertEquals(line.line.clear(), 12_000);
  assertEquals([line.length, line.line.clearing], [0, true]);
  // what comes meanwhile stays
  add(1);
  await new Promise<void>((resolve) => line.line.whenCleared(resolve));
  assertEquals([line.length, line.line.clearing], [1, false]);
  clock.advance(100);
  assertEquals(line.noted, ["m at 100"]);
  add(12_000);
  line.remove();
  await new Promise<void>((resolve) => line.line.whenCleared(resolve));
  assertEquals([line.length, clock.timers], [0, 0]);
});

Deno.test("DelayedMessages waits longer than a timer can", () => {
  const { clock, line } = setUp();
  const delays: number[] = [];
  const after = clock.after.bind(clock);
  clock.after = (delayMs, callback) => {
    delays.push(delayMs);
    return after(delayMs, callback);
  };
  line.add(message("m"), 4_294_967_295);
  clock.advance(4_294_967_294);
  assertEquals(line.noted, []);
  clock.advance(1);
  assertEquals(line.noted, ["m at 4294967295"]);
  assertEquals(delays, [2_147_483_647, 2_147_483_647, 1]);
});

Deno.test("DelayedMessages gives back a bounded number at a time", () => {
  const { clock, line } = setUp();
  for (let index = 0; index < 2500; index++) line.add(message("m"), 10);
  const waiting: (() => void)[] = [];
  clock.after = (_delayMs, callback) => {
    waiting.push(callback);
    return () => {};
  };
  clock.advance(10);
  assertEquals(line.noted.length, 1000);
  waiting.pop()!();
  assertEquals(line.noted.length, 2000);
  waiting.pop()!();
  assertEquals(line.noted.length, 2500);
  assertEquals(waiting, []);
});

Deno.test("DelayedMessages takes messages while it gives others back", () => {
  const { clock, delayed, line } = setUp();
  const again = new NotingLine(delayed, (due) => {
    line.noted.push(`${due.routingKey} at ${clock.now()}`);
    if (clock.now() < 30) again.add(due, clock.now() + 10);
  });
  again.add(message("m"), 10);
  line.add(message("past"), -5);
  clock.advance(100);
  assertEquals(line.noted, ["past at 0", "m at 10", "m at 20", "m at 30"]);
});

Deno.test("DelayedMessages goes on after a line that throws, and tells of it", () => {
  const { clock, logger, delayed, line } = setUp();
  const broken = new NotingLine(delayed, () => {
    throw new Error("line is broken");
  });
  broken.add(message("lost"), 5);
  line.add(message("next"), 5);
  clock.advance(5);
  assertEquals(line.noted, ["next at 5"]);
  assertMatch(
    logger.lines.join("\n"),
    /error: delayed message of exchange 'later': Error: line is broken/,
  );
});

Deno.test("DelayedMessages.close() stops the timer, and none is set again", () => {
  const { clock, delayed, line } = setUp();
  line.add(message("m"), 5);
  delayed.close();
  assertEquals(clock.timers, 0);
  line.add(message("n"), 3);
  line.remove();
  assertEquals(clock.timers, 0);
  clock.advance(10);
  assertEquals(line.noted, []);
});

Deno.test("DelayedMessages keeps messages in their pages while they wait, and no longer", () => {
  const { clock, pages, delayed, line } = setUp();
  const bodies: string[] = [];
  const reading = new NotingLine(delayed, (due) => void bodies.push(bodyOf(due)));
  const sent = new TextEncoder().encode("small");
  for (let index = 0; index < 100; index++) {
    const small = message("k", sent);
    (index % 2 === 0 ? reading : line).add(small, 10 + index);
    small.routed(pages);
  }
  sent.fill(0); // a link uses its buffers again
  const large = message("k", new Uint8Array(100_000).fill(65));
  reading.add(large, 500);
  large.routed(pages);
  assertEquals([pages.pageFor(0).messages, pages.bytes > 1_100_000], [100, true]);
  line.remove();
  assertEquals(pages.pageFor(0).messages, 50);
  clock.advance(1000);
  assertEquals(bodies, [...Array(50).fill("small"), "A".repeat(100_000)]);
  assertEquals([pages.pageFor(0).messages, pages.bytes], [0, 1024 * 1024]);
});

import { assertEquals, assertLess } from "@std/assert";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import type { QueueEntry } from "../../broker/queue/entry.ts";
import { NO_SETTINGS, type QueueSettings } from "../../broker/queue/queue_settings.ts";
import { Placement } from "../../broker/store/placement.ts";
import { forSeeds } from "../amqp/random_values.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { bodyOf, messageOf, TestQueue } from "./support.ts";
import { StoringPlace } from "./storing.ts";

const LOOK = { after: -1, limit: 1000, bodyBytes: 100 };
const RETRY_MS = 1000;
const RETRY: QueueSettings = {
  ...NO_SETTINGS,
  retry: { type: "all", minMs: RETRY_MS, maxMs: RETRY_MS },
};

/** A queue with a store in which what comes back waits for a second. */
function stage({ type = "classic", settings = RETRY, budget = Infinity, priorities = 0 } = {}) {
  const place = new StoringPlace(budget);
  const { durability, pages } = place;
  const clock = new ManualClock(1);
  const queue = new TestQueue({
    arguments: { "x-queue-type": type, "x-max-priority": priorities },
    durable: true,
    ...{ pages, durability, clock, settings },
  });
  const placement = new Placement();
  return {
    ...{ place, clock, queue },
    publish(body: string, persistent = true): void {
      const message = messageOf(body);
      encodeContentHead(message);
      placement.clear();
      queue.place(placement, message, persistent);
      queue.push(message, persistent && durability.store.append(message, placement));
      message.routed(pages);
    },
    /** Takes so many and gives them back. */
    giveBack(count: number): void {
      const entries = Array.from({ length: count }, () => queue.take()!);
      queue.requeue(entries);
    },
    /** Their time has come; a thousand go on at once. */
    async pass(): Promise<void> {
      clock.advance(RETRY_MS);
      while (queue.retryingCount > 0) clock.advance(0);
      await pollSockets();
    },
  };
}

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => `${first + at}`);
const first = (bodies: readonly string[]) => bodies.map((body) => body.split(" ")[0]);

for (
  const [type, deliveryLimit] of [["classic", Infinity], ["quorum", 20], [
    "quorum",
    Infinity,
  ]] as const
) {
  Deno.test(`What the store has and may be tried again stays on disk until it goes out, ${type}, limit ${deliveryLimit}`, async () => {
    const settings = { ...RETRY, deliveryLimit };
    const { place, queue, publish, giveBack, pass } = stage({ type, settings, budget: 2 ** 22 });
    const [count, size] = [1100, 20_000];
    for (let number = 1; number <= count; number++) {
      publish(`${number} `.padEnd(size));
      giveBack(1);
    }
    await pass();
    place.harness.settle();
    assertEquals([queue.messageCount, queue.messageBytes], [count, count * size]);
    assertLess(place.pages.bytes, count * size / 4);
    publish("new");
    assertEquals(first(queue.drain()), [...numbers(1, count), "new"]);
    assertEquals([queue.messageCount, queue.messageBytes], [0, 0]);
  });
}

Deno.test("What the store has and may be tried again stays on disk though the first one comes back again and again", async () => {
  const { place, queue, publish, giveBack, pass } = stage();
  const [count, size] = [300, 20_000];
  for (let number = 1; number <= count; number++) {
    publish(`${number} `.padEnd(size));
    giveBack(1);
  }
  await pass();
  place.harness.settle();
  for (let round = 0; round < 10; round++) {
    giveBack(round % 3 + 1);
    await pass();
  }
  giveBack(1);
  assertLess(place.pages.bytes, count * size / 2);
  await pass();
  assertEquals(first(queue.drain()), numbers(1, count));
});

Deno.test("What the store has and may be tried again stays on disk though the first one comes back with some others", async () => {
  const { place, queue, publish, giveBack, pass } = stage();
  const [count, size, some] = [300, 20_000, 30];
  for (const number of numbers(1, count)) publish(`${number} `.padEnd(size));
  const entries = Array.from({ length: count }, () => queue.take()!);
  while (entries.length > 0) {
    queue.requeue(entries.splice(0, some));
    await pass();
    place.harness.settle();
    giveBack(1);
  }
  assertLess(place.pages.bytes, count * size / 2);
  await pass();
  assertEquals(first(queue.drain()), numbers(1, count));
});

Deno.test("What comes back to a quorum queue comes after what came back before it, on disk or not", async () => {
  const { queue, publish, pass } = stage({
    type: "quorum",
    settings: { ...RETRY, deliveryLimit: 20, retry: { ...RETRY.retry!, type: "failed" } },
  });
  for (const body of numbers(1, 4)) publish(body);
  const [one, two, three] = [queue.take()!, queue.take()!, queue.take()!];
  queue.requeue([three], "rejected");
  await pass();
  queue.requeue([one]);
  queue.requeue([two]);
  assertEquals(queue.drain(), ["3", "1", "2", "4"]);
});

Deno.test("What may be tried again and cannot be read now is overtaken by nothing", async () => {
  const { place, clock, queue, publish, giveBack, pass } = stage();
  for (const body of numbers(1, 3)) publish(body);
  giveBack(2);
  place.harness.settle();
  await pass();
  place.harness.files.faults = { failReads: true };
  assertEquals([queue.take(), queue.messageCount], [undefined, 3]);
  place.harness.files.faults = {};
  clock.advance(RETRY_MS);
  assertEquals(queue.drain(), numbers(1, 3));
});

Deno.test("What may be tried again and is damaged is passed over, and nothing else is lost", async () => {
  const { place, queue, publish, giveBack, pass } = stage();
  for (const body of numbers(1, 4)) publish(`body ${body};`);
  giveBack(3);
  place.harness.settle();
  await pass();
  const { files } = place.harness;
  const [file] = files.list().filter((name) => name.endsWith(".segment"));
  const text = new TextDecoder("latin1").decode(files.contents(file!));
  files.damage(file!, text.indexOf("body 2;"), new Uint8Array([0x2d]));
  assertEquals(queue.drain(), ["body 1;", "body 3;", "body 4;"]);
  assertEquals([queue.messageCount, queue.messageBytes], [0, 0]);
});

Deno.test("What may be tried again and is damaged counts no longer once it was looked at, with priorities too", async () => {
  const settings = { ...RETRY, messageTtlMs: 60_000 };
  const { place, queue, publish, giveBack, pass } = stage({ settings, priorities: 3 });
  for (const body of numbers(1, 2)) publish(`body ${body};`);
  giveBack(2);
  place.harness.settle();
  const { files } = place.harness;
  const [file] = files.list().filter((name) => name.endsWith(".segment"));
  const text = new TextDecoder("latin1").decode(files.contents(file!));
  for (const number of [1, 2]) {
    files.damage(file!, text.indexOf(`body ${number};`), new Uint8Array([0x2d]));
  }
  await pass();
  assertEquals([queue.messageCount, queue.messageBytes], [0, 0]);
});

/** What a queue is meant to have. */
interface Kept {
  readonly body: string;
  returns: number;
  /** When it may go out again; 0: now. */
  due: number;
}

Deno.test("Queue whose messages wait for their next try, on disk and not, does what its model does", () => {
  forSeeds(40, (random) => {
    const { place, clock, queue, publish } = stage();
    const model = new Map<number, Kept>();
    const out: QueueEntry[] = [];
    let last = 0;
    const ready = () =>
      [...model].filter(([, { due }]) => due <= clock.now()).sort(([a], [b]) => a - b);
    const told = ({ position, message, redelivered, acquiredCount, deliveryCount }: QueueEntry) => [
      ...[position, bodyOf(message), redelivered, acquiredCount, deliveryCount],
    ];
    const meant = (position: number, { body, returns }: Kept) => [
      ...[position, body, returns > 0, returns, returns],
    ];
    for (let step = 0; step < 120; step++) {
      const some = new Set([...model.keys()].filter(() => random.below(6) === 0));
      switch (random.below(9)) {
        case 0:
        case 1:
          for (let count = random.below(12); count > 0; count--) {
            publish(`m${++last}`, random.below(4) > 0);
            model.set(last, { body: `m${last}`, returns: 0, due: 0 });
          }
          break;
        case 2:
        case 3:
          for (let count = random.below(10); count > 0; count--) {
            const [next] = ready();
            const entry = queue.take();
            assertEquals(entry && told(entry), next && meant(...next));
            if (entry === undefined) break;
            out.push(entry);
            model.delete(entry.position);
          }
          break;
        case 4:
        case 5:
          for (const entry of out.splice(0).sort((a, b) => a.position - b.position)) {
            const { position, message, acquiredCount } = entry;
            if (random.below(4) === 0) queue.settle(entry);
            else {
              const due = clock.now() + RETRY_MS;
              model.set(position, { body: bodyOf(message), returns: acquiredCount + 1, due });
              queue.requeue([entry]);
            }
          }
          break;
        case 6:
          clock.advance(random.pick([10, 400, RETRY_MS]));
          clock.advance(0);
          if (random.below(3) === 0) place.harness.settle();
          break;
        case 7:
          assertEquals(queue.discard(some), some.size);
          for (const position of some) model.delete(position);
          break;
        default: {
          let left = random.below(some.size + 1);
          const wanted = [...some].sort((a, b) => a - b);
          const { count } = queue.moveOut(some, (entry) => {
            assertEquals(told(entry), meant(wanted[0]!, model.get(wanted[0]!)!));
            if (left-- === 0) return false;
            model.delete(wanted.shift()!);
            return true;
          });
          assertEquals(some.size - count, wanted.length);
        }
      }
      const readyBytes = ready().reduce((sum, [, { body }]) => sum + body.length, 0);
      assertEquals([queue.messageCount, queue.messageBytes], [ready().length, readyBytes]);
      assertEquals(queue.retryingCount, model.size - ready().length);
      const seen = queue.browse(LOOK);
      assertEquals(seen.map(({ id }) => id), [...model.keys()].sort((a, b) => a - b));
    }
    for (const entry of out) queue.settle(entry);
    assertEquals(queue.purge(), model.size);
    assertEquals([queue.messageCount, queue.messageBytes, queue.retryingCount], [0, 0, 0]);
    queue.delete();
    assertEquals([place.pages.page(1)?.messages ?? 0, clock.timers], [0, 0]);
  });
});

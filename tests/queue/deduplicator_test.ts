import { assertEquals, assertLess } from "@std/assert";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { Message } from "../../broker/message.ts";
import { Deduplicator } from "../../broker/queue/deduplicator.ts";
import { seededRandom } from "../../broker/testing/simulated_file_system.ts";
import { ManualClock } from "../support/manual_clock.ts";

class HeadersMessage extends Message {
  readonly #table: FieldTable;

  constructor(table: FieldTable) {
    super();
    this.#table = table;
  }

  override headers(): FieldTable {
    return this.#table;
  }
}

function messageOf(value: number): Message {
  return new HeadersMessage({ "x-deduplication-header": value });
}

function ofExchange(more: FieldTable, clock: ManualClock): Deduplicator {
  const arguments_ = { "x-message-deduplication": true, ...more };
  return Deduplicator.ofExchange({ type: "direct", arguments: arguments_ }, clock)!;
}

Deno.test("Deduplicator keeps no values that count no longer, however many it may keep", () => {
  const clock = new ManualClock();
  const seen = ofExchange({ "x-cache-size": 1_000_000, "x-cache-ttl": 1000 }, clock);
  for (let value = 0; value < 1000; value++) seen.isDuplicate(messageOf(value));
  clock.advance(1001);
  for (let value = 1000; value < 2000; value++) seen.isDuplicate(messageOf(value));
  assertEquals(seen.size, 1000);
  assertEquals(seen.isDuplicate(messageOf(1500)), true);
  assertEquals(seen.isDuplicate(messageOf(0)), false);
});

/** How often something begins to look at a map from the front. */
function looksFromFront(action: () => void): number {
  const { keys } = Map.prototype;
  let looks = 0;
  Map.prototype.keys = function () {
    looks++;
    return keys.call(this);
  };
  try {
    action();
  } finally {
    Map.prototype.keys = keys;
  }
  return looks;
}

Deno.test("Deduplicator that is full does not look for the oldest value from the front each time", () => {
  const clock = new ManualClock();
  const size = 1000;
  const seen = ofExchange({ "x-cache-size": size }, clock);
  const looks = looksFromFront(() => {
    for (let value = 0; value < 10 * size; value++) seen.isDuplicate(messageOf(value));
  });
  assertLess(looks, 10);
  assertEquals(seen.size, size);
  assertEquals(seen.isDuplicate(messageOf(9 * size)), true);
  assertEquals(seen.isDuplicate(messageOf(9 * size - 1)), false);
});

// an iterator that stands still holds each table that its map has had since: a few kilobytes for each hundred values
Deno.test("Deduplicator does not hold what it looked at last while others come and go for ever", () => {
  const clock = new ManualClock();
  const size = 100;
  const seen = ofExchange({ "x-cache-size": size }, clock);
  for (let value = 0; value <= size; value++) seen.isDuplicate(messageOf(value));
  seen.forgetValue(`number ${size - 1}`);
  const comesAndGoes = looksFromFront(() => {
    for (let value = 1000; value < 3000; value++) {
      seen.isDuplicate(messageOf(value));
      seen.forgetValue(`number ${value}`);
    }
  });
  assertEquals(comesAndGoes, 0);
  const isFullAgain = looksFromFront(() => {
    for (let value = 4000; value < 4010; value++) seen.isDuplicate(messageOf(value));
  });
  assertEquals(isFullAgain, 1, "the way to the oldest one begins anew");
  assertEquals(seen.isDuplicate(messageOf(11)), true);
  assertEquals(seen.isDuplicate(messageOf(9)), false);
});

Deno.test("Deduplicator forgets the oldest values first, whatever is taken back or too old", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const clock = new ManualClock();
    const size = 1 + below(8);
    const seen = ofExchange({ "x-cache-size": size, "x-cache-ttl": 50 }, clock);
    let model: { readonly value: number; readonly until: number }[] = [];
    for (let step = 0; step < 4000; step++) {
      const value = below(12);
      const known = model.find((one) => one.value === value);
      switch (below(8)) {
        case 0:
          clock.advance(below(40));
          break;
        case 1:
          seen.forgetValue(`number ${value}`);
          model = model.filter((one) => one !== known);
          break;
        default: {
          const isDuplicate = known !== undefined && known.until > clock.now();
          assertEquals(seen.isDuplicate(messageOf(value)), isDuplicate);
          if (isDuplicate) break;
          model = model.filter((one) => one !== known);
          for (let count = 0; count < 2; count++) {
            if (model.length > 0 && model[0]!.until <= clock.now()) model.shift();
          }
          while (model.length >= size) model.shift();
          model.push({ value, until: clock.now() + 50 });
        }
      }
      assertEquals(seen.size, model.length);
    }
  }
});

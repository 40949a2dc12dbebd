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

Deno.test("Deduplicator that is full does not look for the oldest value from the front each time", () => {
  const clock = new ManualClock();
  const size = 1000;
  const seen = ofExchange({ "x-cache-size": size }, clock);
  const { keys } = Map.prototype;
  let looks = 0;
  Map.prototype.keys = function () {
    looks++;
    return keys.call(this);
  };
  try {
    for (let value = 0; value < 10 * size; value++) seen.isDuplicate(messageOf(value));
  } finally {
    Map.prototype.keys = keys;
  }
  assertLess(looks, 10);
  assertEquals(seen.size, size);
  assertEquals(seen.isDuplicate(messageOf(9 * size)), true);
  assertEquals(seen.isDuplicate(messageOf(9 * size - 1)), false);
});

Deno.test("Deduplicator forgets the oldest values first, whatever is taken back or too old", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const clock = new ManualClock();
    const size = 1 + below(8);
    const seen = ofExchange({ "x-cache-size": size, "x-cache-ttl": 50 }, clock);
    let model: { readonly value: number; readonly until: number }[] = [];
    for (let step = 0; step < 400; step++) {
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

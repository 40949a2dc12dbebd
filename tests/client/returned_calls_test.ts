/**
 * Calls that came back because no server is running: when they are made again, and when no longer.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Call } from "../../client/messaging/call.ts";
import { ReturnedCalls } from "../../client/messaging/returned_calls.ts";
import { ManualClock } from "../support/manual_clock.ts";

const TIMEOUT_MS = 60_000;
/** The first pause is no longer than this, the tenth in a row no shorter than `LONG_MS`. */
const SHORT_MS = 10;
const LONG_MS = 500;

/** Calls that come back until a test decides otherwise. */
class Returning {
  readonly clock = new ManualClock();
  readonly made: string[] = [];
  readonly returned: ReturnedCalls = new ReturnedCalls(this.clock, (call) => {
    this.made.push(call.correlationId);
  });
  readonly #calls = new Map<number, Call>();

  /** A call that is under way. */
  call(id: number): Call {
    const call = new Call(this.#calls, id, TIMEOUT_MS, TIMEOUT_MS);
    call.begin(() => {}, () => {});
    return call;
  }

  /** Lets time pass until calls are made again; tells how long that took. */
  pause(): number {
    const before = this.clock.elapsed();
    for (const count = this.made.length; this.made.length === count;) {
      this.clock.advance(1);
      assert(this.clock.elapsed() - before <= TIMEOUT_MS, "nothing is made again");
    }
    return this.clock.elapsed() - before;
  }

  /** Lets calls come back ten times in a row. */
  tenTimes(...calls: Call[]): void {
    for (let time = 0; time < 10; time++) {
      for (const call of calls) this.returned.add(call);
      this.pause();
    }
  }
}

Deno.test("calls that come back wait for one pause together, which grows each time", () => {
  const returning = new Returning();
  const calls = [1, 2, 3].map((id) => returning.call(id));
  const pauses: number[] = [];
  for (let time = 0; time < 12; time++) {
    for (const call of calls) returning.returned.add(call);
    assertEquals(returning.clock.timers, 1);
    pauses.push(returning.pause());
    assertEquals(returning.made.splice(0), ["1", "2", "3"]);
    assertEquals(returning.clock.timers, 0);
  }
  assert(pauses[0]! <= SHORT_MS, pauses.join());
  assert(pauses.at(-1)! >= LONG_MS && Math.max(...pauses) <= 1000, pauses.join());
});

Deno.test("a call that comes back after another one was answered begins with a short pause", () => {
  const returning = new Returning();
  const call = returning.call(1);
  returning.tenTimes(call);
  returning.returned.add(call);
  assert(returning.pause() >= LONG_MS);
  returning.returned.answered();
  returning.returned.add(call);
  assert(returning.pause() <= SHORT_MS);
});

Deno.test("when the last call that waits is over, no timer is left and the next one begins with a short pause", () => {
  const returning = new Returning();
  const [one, other] = [returning.call(1), returning.call(2)];
  returning.tenTimes(one, other);
  returning.returned.add(one);
  returning.returned.add(other);
  returning.returned.leave(one);
  assertEquals([returning.returned.has(one), returning.returned.has(other)], [false, true]);
  assertEquals(returning.clock.timers, 1);
  returning.returned.leave(other);
  assertEquals(returning.clock.timers, 0);
  returning.returned.add(returning.call(3));
  assert(returning.pause() <= SHORT_MS);
});

Deno.test("a call that was not waiting shortens nobody's pause when it is over", () => {
  const returning = new Returning();
  const call = returning.call(1);
  returning.tenTimes(call);
  returning.returned.leave(returning.call(2));
  returning.returned.add(call);
  assert(returning.pause() >= LONG_MS);
});

Deno.test("a call that came back and is over by the end of the pause is not made again", () => {
  const returning = new Returning();
  const [one, other] = [returning.call(1), returning.call(2)];
  other.sent = 7;
  returning.returned.add(one);
  returning.returned.add(other);
  assertEquals(other.sent, 0);
  one.resolve("answered by a server that was slow");
  returning.pause();
  assertEquals(returning.made, ["2"]);
});

Deno.test("calls that came back are not made again once their client has ended", () => {
  const returning = new Returning();
  returning.returned.add(returning.call(1));
  returning.returned.stop();
  assertEquals(returning.clock.timers, 0);
  returning.clock.advance(TIMEOUT_MS);
  assertEquals(returning.made, []);
});

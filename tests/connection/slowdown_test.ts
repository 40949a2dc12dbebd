import { assertEquals, assertLess } from "@std/assert";
import { Slowdown } from "../../broker/connection/slowdown.ts";
import { Pacing } from "../../broker/vhost/pacing.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A slowdown with all that it works on. */
class Slowed {
  readonly clock = new ManualClock();
  readonly pacing = new Pacing();
  readMax = Infinity;
  changes = 0;
  readonly slowdown = new Slowdown({
    pacing: this.pacing,
    clock: this.clock,
    limitReads: (bytes) => this.readMax = bytes,
    onChange: () => this.changes++,
  });

  /** The client publishes so many messages to a long queue. */
  publish(messages: number): void {
    this.pacing.pressure += messages;
    this.slowdown.feel();
  }
}

Deno.test("Slowdown pauses a publisher until consumers have taken what it published", () => {
  const slowed = new Slowed();
  slowed.publish(99);
  assertEquals(slowed.slowdown.active, false, "some are no reason");
  slowed.publish(1);
  assertEquals(slowed.slowdown.active, true);
  slowed.pacing.took(99);
  assertEquals(slowed.slowdown.active, true);
  slowed.pacing.took(1);
  assertEquals(slowed.slowdown.active, false);
  assertEquals(slowed.changes, 2);
  slowed.slowdown.end();
  assertEquals(slowed.clock.timers, 0);
});

Deno.test("Slowdown reads little at a time until queues are short", () => {
  const slowed = new Slowed();
  slowed.publish(100);
  assertEquals(slowed.readMax, 12 * 1024);
  slowed.pacing.took(100);
  assertEquals(slowed.readMax, 12 * 1024);
  slowed.pacing.relieve();
  assertEquals(slowed.readMax, Infinity);
});

Deno.test("Slowdown does not wait for long when consumers take nothing, and less often then", () => {
  const slowed = new Slowed();
  slowed.publish(100);
  slowed.clock.advance(4);
  assertEquals(slowed.slowdown.active, true);
  slowed.clock.advance(1);
  assertEquals(slowed.slowdown.active, false);
  slowed.publish(3999);
  assertEquals(slowed.slowdown.active, false);
  slowed.publish(1);
  assertEquals(slowed.slowdown.active, true);
  slowed.clock.advance(5);
  assertEquals([slowed.slowdown.active, slowed.clock.timers], [false, 0]);
});

Deno.test("Slowdown reads little for no longer than a pause in which consumers take nothing", () => {
  const slowed = new Slowed();
  slowed.publish(100);
  assertLess(slowed.readMax, Infinity);
  slowed.clock.advance(5);
  assertEquals([slowed.slowdown.active, slowed.readMax], [false, Infinity]);
  slowed.publish(4000);
  assertLess(slowed.readMax, Infinity);
});

Deno.test("Slowdown waits on while consumers take something, but not for ever", () => {
  const slowed = new Slowed();
  slowed.publish(1_000_000);
  let parts = 0;
  for (; slowed.slowdown.active && parts < 100; parts++) {
    slowed.pacing.took(100);
    slowed.clock.advance(5);
  }
  assertEquals(parts, 10);
});

Deno.test("Slowdown gives each pause its whole time, though its timer runs on from the one before", () => {
  const slowed = new Slowed();
  slowed.publish(100);
  slowed.clock.advance(3);
  slowed.pacing.took(100);
  slowed.publish(100);
  slowed.clock.advance(4);
  assertEquals(slowed.slowdown.active, true);
  slowed.clock.advance(1);
  assertEquals([slowed.slowdown.active, slowed.clock.timers], [false, 0]);
});

Deno.test("Slowdown reads freely once it feels no pressure any more, though rows are long", () => {
  const slowed = new Slowed();
  slowed.publish(100);
  slowed.pacing.took(100);
  slowed.publish(10);
  slowed.clock.advance(5);
  assertLess(slowed.readMax, Infinity, "it has felt some since");
  slowed.clock.advance(5);
  assertEquals([slowed.readMax, slowed.clock.timers], [Infinity, 0]);
});

Deno.test("Slowdown reads freely after the longest pause as well, once it feels no pressure", () => {
  const slowed = new Slowed();
  slowed.publish(1_000_000);
  while (slowed.slowdown.active) {
    slowed.pacing.took(100);
    slowed.clock.advance(5);
  }
  assertLess(slowed.readMax, Infinity);
  slowed.clock.advance(10);
  assertEquals([slowed.readMax, slowed.clock.timers], [Infinity, 0]);
});

Deno.test("Slowdown that ended is told nothing any more", () => {
  const slowed = new Slowed();
  slowed.publish(100);
  slowed.slowdown.end();
  assertEquals([slowed.slowdown.active, slowed.clock.timers], [false, 0]);
  slowed.pacing.took(1000);
  slowed.pacing.relieve();
  assertEquals(slowed.changes, 2);
});

import { assert, assertEquals, assertLess } from "@std/assert";
import { Alarms } from "../../broker/alarms.ts";
import { MemoryWatch } from "../../broker/memory_watch.ts";
import { MadeUpMachine } from "../support/made_up_machine.ts";
import { ManualClock } from "../support/manual_clock.ts";

const MIB = 1024 * 1024;

/** A watch on a machine with 1000 MiB for the process and 500 MiB for the heap. */
class Watched {
  readonly machine = new MadeUpMachine();
  readonly clock = new ManualClock();
  readonly alarms = new Alarms(this.clock);
  held = 0;
  readonly watch: MemoryWatch;

  constructor(rssLimit = 1000 * MIB) {
    this.machine.heapLimit = 500 * MIB;
    this.watch = new MemoryWatch({
      machine: this.machine,
      alarms: this.alarms,
      clock: this.clock,
      rssLimit,
      heapShare: 0.8,
      held: () => this.held,
    });
  }

  get reasons(): string[] {
    return this.alarms.list.map(({ source, reason }) => `${source}: ${reason}`);
  }
}

Deno.test("MemoryWatch raises the alarm with more memory in use than may be, and ends it with a little less", () => {
  const { machine, clock, alarms, watch } = new Watched();
  machine.rssBytes = 1001 * MIB;
  watch.note(1);
  assertEquals(alarms.list, [{
    source: "memory",
    reason: "1001 MiB of memory are in use, 1000 MiB may be",
    since: 0,
  }]);
  assertEquals([alarms.reason, alarms.lowOnMemory], ["low on memory", true]);
  machine.rssBytes = 999 * MIB;
  clock.advance(1000);
  assert(alarms.raised, "not at once again");
  machine.rssBytes = 949 * MIB;
  clock.advance(1000);
  assertEquals([alarms.raised, alarms.lowOnMemory, clock.timers], [false, false, 0]);
});

Deno.test("MemoryWatch raises it with too much of V8's heap in use, whatever the process takes", () => {
  const watched = new Watched(Infinity);
  const { machine, clock, alarms, watch } = watched;
  machine.rssBytes = 1_000_000 * MIB;
  watch.note(1);
  assertEquals(watched.reasons, []);
  machine.heapUsed = 401 * MIB;
  watch.note(20 * MIB);
  assertEquals(watched.reasons, ["memory: 401 MiB of V8's heap are in use, 400 MiB may be"]);
  machine.heapUsed = 300 * MIB;
  clock.advance(1000);
  assertEquals(alarms.raised, false);
});

Deno.test("MemoryWatch looks early at first, but not at the first message, unless the process has a limit", () => {
  const { machine, watch } = new Watched(Infinity);
  watch.note(512 * 1024);
  assertEquals(machine.looks, 0);
  watch.note(1);
  assertEquals(machine.looks, 1);
  const limited = new Watched();
  limited.watch.note(1);
  assertEquals(limited.machine.looks, 1);
});

Deno.test("MemoryWatch looks often while the limit of the heap is not known", () => {
  const watched = new Watched(Infinity);
  const { machine, watch } = watched;
  machine.heapUsed = 401 * MIB;
  machine.heapLimit = Infinity;
  for (let looks = 1; looks <= 3; looks++) {
    watch.note(512 * 1024 + 1);
    assertEquals([machine.looks, ...watched.reasons], [looks]);
  }
  machine.heapLimit = 500 * MIB;
  watch.note(512 * 1024 + 1);
  assertEquals(watched.reasons, ["memory: 401 MiB of V8's heap are in use, 400 MiB may be"]);
});

Deno.test("MemoryWatch ends it when both are as they should be", () => {
  const watched = new Watched();
  const { machine, clock, alarms, watch } = watched;
  const changes: string[] = [];
  alarms.whenClear(() => changes.push("clear"));
  machine.heapUsed = 450 * MIB;
  machine.rssBytes = 1500 * MIB;
  watch.note(1);
  assertEquals(watched.reasons.length, 2);
  machine.heapUsed = 0;
  clock.advance(1000);
  assertEquals([watched.reasons.length, alarms.reason], [1, "low on memory"]);
  machine.rssBytes = 0;
  clock.advance(1000);
  assertEquals([alarms.raised, clock.timers], [false, 0]);
});

Deno.test("MemoryWatch looks when something comes in, more often the less room there is, and else never", () => {
  const { machine, clock, watch } = new Watched();
  const looksFor = (bytes: number) => {
    const before = machine.looks;
    for (let sent = 0; sent < bytes; sent += 64 * 1024) watch.note(64 * 1024);
    return machine.looks - before;
  };
  watch.note(1);
  const many = 400 * MIB;
  const withRoom = looksFor(many);
  machine.rssBytes = 900 * MIB;
  looksFor(16 * MIB);
  const withLess = looksFor(many);
  machine.rssBytes = 999 * MIB;
  looksFor(16 * MIB);
  const withNone = looksFor(many);
  assert(withRoom <= many / (15 * MIB), `${withRoom} looks`);
  assert(withLess > 2 * withRoom, `${withLess} looks`);
  assert(withNone > 5 * withLess, `${withNone} looks`);
  assertLess(withNone, many / (256 * 1024), "never at each read");

  const before = machine.looks;
  clock.advance(3_600_000);
  assertEquals([machine.looks, clock.timers], [before, 0]);
});

Deno.test("MemoryWatch is late by a few megabytes at most, however fast the heap grows", () => {
  const { machine, alarms, watch } = new Watched(Infinity);
  while (!alarms.raised) {
    watch.note(60);
    machine.heapUsed += 600; // an unacked message
  }
  assertLess(machine.heapUsed, 406 * MIB);
});

Deno.test("MemoryWatch has garbage collected while the alarm is raised, eagerly as long as something is let go", () => {
  const watched = new Watched();
  const { machine, clock, watch } = watched;
  const collectsIn = (ms: number) => {
    const before = machine.collects;
    clock.advance(ms);
    return machine.collects - before;
  };
  watched.held = 1000 * MIB;
  machine.rssBytes = 1100 * MIB;
  watch.note(1);
  assertEquals(collectsIn(10_000), 40);
  assertEquals(collectsIn(60_000), 12, "now and then, if nothing happens");
  watched.held = 999 * MIB;
  assertEquals(collectsIn(10_000), 40);
  machine.rssBytes = 100 * MIB;
  clock.advance(250);
  assertEquals([machine.collects, clock.timers], [0, 0]);
});

Deno.test("MemoryWatch counts what was given back and stays with the process as free, up to a point", () => {
  const { machine, clock, alarms, watch } = new Watched();
  machine.rssBytes = 100 * MIB;
  machine.freeBytes = 40 * MIB; // code
  watch.note(1);
  machine.rssBytes = 1100 * MIB;
  watch.note(20 * MIB);
  assertEquals(alarms.raised, true);
  machine.freeBytes = 600 * MIB;
  clock.advance(250);
  assertEquals(alarms.raised, false);
  watch.note(20 * MIB);
  assertEquals(alarms.raised, false, "it is used again before more is taken");
  machine.rssBytes = 1600 * MIB;
  watch.note(20 * MIB);
  assertEquals(alarms.raised, true, "nobody knows what that is");
});

Deno.test("MemoryWatch takes another limit at once, and 0 for one that nobody keeps", () => {
  const { machine, alarms, clock, watch } = new Watched(Infinity);
  machine.rssBytes = 100 * MIB;
  watch.rssLimit = 0;
  assertEquals(alarms.raised, true);
  watch.rssLimit = Infinity;
  assertEquals([alarms.raised, clock.timers], [false, 0]);
  watch.rssLimit = 50 * MIB;
  assertEquals(alarms.raised, true);
  watch.stop();
  assertEquals(clock.timers, 0);
});

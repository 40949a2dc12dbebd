import { assertEquals } from "@std/assert";
import type { Clock } from "../../broker/amqp/clock.ts";
import { Heartbeat } from "../../broker/amqp/heartbeat.ts";

/** A clock that stands still until it is told to go on. */
class ManualClock implements Clock {
  readonly timers = new Set<{ next: number; intervalMs: number; callback: () => void }>();
  #now = 0;

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  after(): never {
    throw new Error("Cannot wait once: heartbeats come again and again");
  }

  every(intervalMs: number, callback: () => void): () => void {
    const timer = { next: this.#now + intervalMs, intervalMs, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Lets time pass in steps of 100 ms. */
  advance(ms: number): void {
    for (const end = this.#now + ms; this.#now < end;) {
      this.#now += 100;
      for (const timer of [...this.timers]) {
        if (timer.next > this.#now || !this.timers.has(timer)) continue;
        timer.next += timer.intervalMs;
        timer.callback();
      }
    }
  }
}

/** A connection with a heartbeat, and when it did what. */
class Watched {
  readonly clock: ManualClock;
  readonly link = {
    bytesWritten: 0,
    bytesRead: 0,
    beat: () => {
      this.link.bytesWritten += 8;
      this.beats.push(this.clock.now());
    },
  };
  reading = true;
  heard: number | undefined = undefined;
  readonly beats: number[] = [];
  readonly deaths: number[] = [];
  readonly heartbeat: Heartbeat;

  constructor(intervalSeconds: number, clock = new ManualClock()) {
    this.clock = clock;
    this.heartbeat = new Heartbeat({
      clock: this.clock,
      intervalSeconds,
      link: this.link,
      reading: () => this.reading,
      heard: () => this.heard ?? this.link.bytesRead,
      dead: () => this.deaths.push(this.clock.now()),
    });
  }
}

Deno.test("Heartbeat beats each half interval while nothing else is written", () => {
  const watched = new Watched(2);
  for (let second = 0; second < 8; second++) {
    watched.link.bytesRead++;
    watched.clock.advance(1000);
  }
  assertEquals(watched.beats, [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]);
  assertEquals(watched.deaths, []);
});

Deno.test("Heartbeat does not beat while something else is written", () => {
  const watched = new Watched(2);
  for (let step = 0; step < 10; step++) {
    watched.link.bytesWritten++;
    watched.link.bytesRead++;
    watched.clock.advance(900);
  }
  assertEquals(watched.beats, []);
  watched.link.bytesRead++;
  watched.clock.advance(2000);
  assertEquals(watched.beats, [10_000, 11_000]);
});

Deno.test("Heartbeat leaves no more than an interval between the octets that it sees to", () => {
  const watched = new Watched(2);
  watched.clock.advance(900);
  watched.link.bytesWritten++;
  watched.clock.advance(2000);
  assertEquals(watched.beats, [2000]);
});

Deno.test("Heartbeat takes a peer for dead after two silent intervals in a row, and stops", () => {
  const watched = new Watched(1);
  watched.clock.advance(10_000);
  assertEquals(watched.deaths, [2000]);
  assertEquals(watched.clock.timers.size, 0);
});

Deno.test("Heartbeat counts silence from the last octet, whatever it belongs to", () => {
  const watched = new Watched(1);
  watched.clock.advance(1900);
  watched.link.bytesRead++;
  watched.clock.advance(2000);
  assertEquals(watched.deaths, []);
  watched.clock.advance(100);
  assertEquals(watched.deaths, [4000]);
});

Deno.test("Heartbeat expects nothing while we do not read", () => {
  const watched = new Watched(1);
  watched.reading = false;
  watched.clock.advance(10_000);
  assertEquals(watched.deaths, []);
  watched.reading = true;
  watched.clock.advance(10_000);
  assertEquals(watched.deaths, [12_000]);
});

Deno.test("Heartbeat takes for a sign of life what it is told to", () => {
  const watched = new Watched(1);
  watched.heard = 0;
  for (let second = 0; second < 5; second++) {
    watched.heard++;
    watched.clock.advance(1000);
  }
  watched.link.bytesRead++;
  assertEquals(watched.deaths, []);
  watched.clock.advance(10_000);
  assertEquals(watched.deaths, [7000]);
});

Deno.test("Heartbeat of 0 seconds has no timer", () => {
  const watched = new Watched(0);
  assertEquals(watched.clock.timers.size, 0);
  watched.heartbeat.stop();
});

Deno.test("Heartbeat.stop() stops its timer, once and for all", () => {
  const watched = new Watched(1);
  watched.heartbeat.stop();
  watched.heartbeat.stop();
  watched.clock.advance(10_000);
  assertEquals([watched.beats, watched.deaths], [[], []]);
});

Deno.test("Heartbeats that begin together share a timer, which ends with the last of them", () => {
  const clock = new ManualClock();
  const all = [new Watched(64, clock), new Watched(64, clock)];
  clock.advance(500);
  all.push(new Watched(64, clock));
  assertEquals(clock.timers.size, 1);
  clock.advance(500);
  all.push(new Watched(64, clock));
  assertEquals(clock.timers.size, 2, "there may be a second in between, and no more");
  clock.advance(63_000);
  const together = [32_000, 64_000];
  assertEquals(all.map(({ beats }) => beats), [together, together, together, [33_000]]);
  for (const { heartbeat } of all) heartbeat.stop();
  assertEquals(clock.timers.size, 0);
});

Deno.test("Heartbeat that joins a timer late gives its peer two intervals all the same", () => {
  const clock = new ManualClock();
  const first = new Watched(64, clock);
  clock.advance(64_900);
  const late = new Watched(64, clock);
  assertEquals(clock.timers.size, 1);
  first.link.bytesRead++;
  clock.advance(127_000);
  assertEquals([first.deaths, late.deaths], [[], []]);
  clock.advance(100);
  assertEquals([first.deaths, late.deaths], [[], [192_000]]);
});

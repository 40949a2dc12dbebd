import { assertEquals, assertLess } from "@std/assert";
import { sourceOf } from "../../broker/amqp/source.ts";
import { LoginFailures } from "../../broker/auth/login_failures.ts";
import { LoginWindow } from "../../broker/auth/login_window.ts";
import { Turns } from "../../broker/auth/turns.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** Work that ends when it is told to. */
class Work {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  do(name: string): () => Promise<string> {
    return async () => {
      this.begun.push(name);
      await new Promise<void>((resolve) => this.#ends.set(name, resolve));
      return name;
    };
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)!();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
}

Deno.test("Turns serves sources in turn, one of each and a few at once", async () => {
  const clock = new ManualClock();
  const turns = new Turns({ atOnce: 2, waitingMax: 9, waitMaxMs: 1000, clock });
  const work = new Work();
  const asked = ["a1", "a2", "a3", "b1", "b2", "c1"]
    .map((name) => turns.take(name[0]!, work.do(name)));
  await Promise.resolve();
  assertEquals(work.begun, ["a1", "b1"]);
  await work.end("a1");
  assertEquals(work.begun, ["a1", "b1", "c1"]);
  await work.end("b1");
  assertEquals(work.begun, ["a1", "b1", "c1", "a2"]);
  await work.end("c1");
  assertEquals(work.begun, ["a1", "b1", "c1", "a2", "b2"]);
  await work.end("a2");
  await work.end("b2");
  await work.end("a3");
  assertEquals(await Promise.all(asked), ["a1", "a2", "a3", "b1", "b2", "c1"]);
});

Deno.test("Turns gives up those who are too many, or have waited for too long", async () => {
  const clock = new ManualClock();
  const turns = new Turns({ atOnce: 1, waitingMax: 2, waitMaxMs: 1000, clock });
  const work = new Work();
  const first = turns.take("a", work.do("a1"));
  const late = turns.take("a", work.do("a2"));
  const alsoLate = turns.take("b", work.do("b1"));
  const behind = turns.take("a", work.do("a3"));
  assertEquals(await turns.take("a", work.do("a4")), undefined, "two of a wait already");
  clock.advance(1001);
  const fresh = turns.take("c", work.do("c1"));
  await work.end("a1");
  await work.end("c1");
  assertEquals(await Promise.all([first, late, alsoLate, behind, fresh]), [
    "a1",
    undefined,
    undefined,
    undefined,
    "c1",
  ]);
});

Deno.test("Turns goes on after work that fails", async () => {
  const turns = new Turns({ atOnce: 1, waitingMax: 2, waitMaxMs: 1000, clock: new ManualClock() });
  const failing = turns.take("a", () => Promise.reject(new Error("no")));
  const next = turns.take("a", () => Promise.resolve("yes"));
  assertEquals(await failing.catch((error) => error.message), "no");
  assertEquals(await next, "yes");
});

Deno.test("Turns serves nobody of a source that is held, and everybody else", async () => {
  const clock = new ManualClock();
  const turns = new Turns({ atOnce: 2, waitingMax: 9, waitMaxMs: 9000, clock });
  const work = new Work();
  turns.hold("a", 250);
  turns.hold("a", 500);
  assertEquals([turns.isFree("a"), turns.isFree("b")], [false, true]);
  const asked = ["a1", "a2", "b1"].map((name) => turns.take(name[0]!, work.do(name)));
  clock.advance(499);
  await Promise.resolve();
  assertEquals(work.begun, ["b1"]);
  clock.advance(1);
  await Promise.resolve();
  assertEquals(work.begun, ["b1", "a1"]);
  turns.hold("a", 100);
  await work.end("a1");
  assertEquals(work.begun, ["b1", "a1"], "held while it is served");
  clock.advance(100);
  await Promise.resolve();
  await work.end("a2");
  await work.end("b1");
  assertEquals(await Promise.all(asked), ["a1", "a2", "b1"]);
  turns.hold("a", 100);
  await turns.close();
  assertEquals(clock.timers, 0);
  turns.hold("a", 100);
  assertEquals(clock.timers, 0);
});

Deno.test("Turns serves as many of a source at once as it is told", async () => {
  let most = 2;
  const clock = new ManualClock();
  const turns = new Turns({
    atOnce: Infinity,
    atOnceOf: () => most,
    waitingMax: 9,
    waitMaxMs: 9000,
    clock,
  });
  const work = new Work();
  const asked = ["a1", "a2", "a3", "a4"].map((name) => turns.take("a", work.do(name)));
  await Promise.resolve();
  assertEquals(work.begun, ["a1", "a2"]);
  most = 1;
  await work.end("a1");
  assertEquals(work.begun, ["a1", "a2"]);
  await work.end("a2");
  assertEquals(work.begun, ["a1", "a2", "a3"]);
  most = 2;
  await work.end("a3");
  await work.end("a4");
  assertEquals(await Promise.all(asked), ["a1", "a2", "a3", "a4"]);
  assertEquals(turns.isFree("a"), true);
});

Deno.test("Turns is left by those who do not wait any more, and has room for others", async () => {
  const turns = new Turns({ atOnce: 1, waitingMax: 2, waitMaxMs: 9000, clock: new ManualClock() });
  const work = new Work();
  const gone = new AbortController();
  const first = turns.take("a", work.do("a1"), gone.signal);
  const left = [turns.take("a", work.do("a2"), gone.signal), turns.take("a", work.do("a3"))];
  assertEquals(await turns.take("a", work.do("a4")), undefined, "two wait already");
  gone.abort();
  assertEquals(await left[0], undefined);
  const last = turns.take("a", work.do("a5"));
  assertEquals(await turns.take("a", work.do("a6"), gone.signal), undefined, "has gone before");
  for (const name of ["a1", "a3", "a5"]) await work.end(name);
  assertEquals(await Promise.all([first, left[1], last]), ["a1", "a3", "a5"]);
  assertEquals(work.begun, ["a1", "a3", "a5"]);
});

Deno.test("LoginFailures lets the first ones go, then waits twice as long each time, up to a limit", () => {
  const clock = new ManualClock();
  const failures = new LoginFailures(clock);
  const delays = Array.from({ length: 10 }, () => failures.note("10.0.0.1"));
  assertEquals(delays, [0, 0, 0, 250, 500, 1000, 2000, 4000, 5000, 5000]);
  assertEquals(failures.note("10.0.0.2"), 0, "another address has nothing to do with it");
});

Deno.test("LoginFailures forgives in time", () => {
  const clock = new ManualClock();
  const failures = new LoginFailures(clock);
  for (let count = 0; count < 6; count++) failures.note("10.0.0.1");
  clock.advance(3 * 30_000);
  assertEquals(failures.note("10.0.0.1"), 250);
  clock.advance(100 * 30_000);
  assertEquals(failures.note("10.0.0.1"), 0);
});

Deno.test("LoginFailures tells how many more of an address cost it nothing, until they are forgiven", () => {
  const clock = new ManualClock();
  const failures = new LoginFailures(clock);
  const left = Array.from({ length: 4 }, () => {
    failures.note("10.0.0.1");
    return failures.freeOf("10.0.0.1");
  });
  assertEquals(left, [2, 1, 0, 0]);
  assertEquals(failures.freeOf("10.0.0.2"), 3);
  clock.advance(2 * 30_000);
  assertEquals(failures.freeOf("10.0.0.1"), 1);
});

Deno.test("LoginWindow grows with each login that was right, and one that was not closes it", () => {
  const clock = new ManualClock();
  const failures = new LoginFailures(clock);
  const window = new LoginWindow(failures, clock);
  const source = "10.0.0.1";
  assertEquals(window.sizeFor(source), 4);
  for (let count = 0; count < 5; count++) window.noteRight(source);
  assertEquals(window.sizeFor(source), 9);
  assertEquals(window.sizeFor("10.0.0.2"), 4, "another address has nothing to do with it");
  for (let count = 0; count < 50; count++) window.noteRight(source);
  assertEquals(window.sizeFor(source), 32);
  clock.advance(30_000);
  assertEquals(window.sizeFor(source), 4, "that was a while ago");
  for (let count = 0; count < 50; count++) window.noteRight(source);
  failures.note(source);
  window.noteWrong(source);
  assertEquals(window.sizeFor(source), 3);
  for (let count = 0; count < 2; count++) failures.note(source);
  for (let count = 0; count < 50; count++) window.noteRight(source);
  assertEquals(window.sizeFor(source), 1, "who has to wait is looked at alone");
});

Deno.test("LoginFailures knows only so many addresses", () => {
  const failures = new LoginFailures(new ManualClock());
  for (let count = 0; count < 20_000; count++) failures.note(`10.0.${count >> 8}.${count & 255}`);
  assertEquals(failures.size, 10_000);
});

Deno.test("Turns look at nobody else's source when one comes, goes or is let go", async () => {
  const clock = new ManualClock();
  let looks = 0;
  const atOnceOf = () => {
    looks++;
    return 1;
  };
  const turns = new Turns({
    ...{ atOnce: Infinity, atOnceOf, waitingMax: 10, waitMaxMs: 100_000, clock },
  });
  const served: string[] = [];
  const take = (source: string) => turns.take(source, () => Promise.resolve(served.push(source)));
  for (let at = 0; at < 1000; at++) {
    turns.hold(`s${at}`, 1000 + at);
    void take(`s${at}`);
  }
  turns.hold("other", 500);
  looks = 0;
  void take("other");
  clock.advance(500);
  await take("another");
  await take("other");
  assertEquals(served.toSorted(), ["another", "other", "other"]);
  assertLess(looks, 20);
  const last = take("s0");
  clock.advance(500);
  await last;
  assertEquals(served.slice(3), ["s0", "s0"]);
  await turns.close();
});

Deno.test("sourceOf() takes a network of IPv6 for one source", () => {
  assertEquals(sourceOf("192.0.2.1"), "192.0.2.1");
  // which comes to a socket for both versions
  assertEquals(sourceOf("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(sourceOf("::FFFF:c000:201"), "192.0.2.1");
  const same = ["2001:db8:0:7::1", "2001:db8::7:0:0:0:9", "2001:0db8:0000:0007:1:2:3:4"];
  assertEquals(same.map(sourceOf), same.map(() => "2001:db8:0:7::/64"));
  assertEquals(sourceOf("::1"), "0:0:0:0::/64");
  assertEquals(sourceOf(""), "");
});

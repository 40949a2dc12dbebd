import { assertEquals } from "@std/assert";
import { Slowdown } from "../../broker/connection/slowdown.ts";
import { type PacedPublisher, Pacing } from "../../broker/vhost/pacing.ts";
import { type PacedRow, RecentRows } from "../../broker/vhost/recent_rows.ts";
import { messageOf, TestConsumer } from "../queue/support.ts";
import { TestHost } from "./dead_letter_support.ts";

/** A publisher that writes down what it is told. */
function publisher(
  pacing: Pacing,
  name: string,
  told: string[],
  rows: readonly PacedRow[] = [],
): PacedPublisher {
  const self = {
    rows: new RecentRows(),
    goOn() {
      pacing.endWait(self);
      told.push(`${name} goes on`);
    },
    relieved() {
      pacing.endWait(self);
      told.push(`${name} is relieved`);
    },
  };
  for (const row of rows) self.rows.add(row);
  return self;
}

Deno.test("Pacing lets a publisher go on once consumers have taken as much as it published", () => {
  const pacing = new Pacing();
  const told: string[] = [];
  pacing.wait(publisher(pacing, "a", told), 100);
  pacing.took(99);
  assertEquals(told, []);
  pacing.took(1);
  assertEquals(told, ["a goes on"]);
  pacing.took(1000);
  assertEquals(told, ["a goes on"], "it is told once");
});

Deno.test("Pacing lets publishers go on in turn, each for messages of its own", () => {
  const pacing = new Pacing();
  const told: string[] = [];
  pacing.wait(publisher(pacing, "a", told), 100);
  pacing.wait(publisher(pacing, "b", told), 100);
  pacing.took(150);
  assertEquals(told, ["a goes on"]);
  pacing.took(50);
  assertEquals(told, ["a goes on", "b goes on"]);
});

Deno.test("Pacing does not make anybody wait for one who has left", () => {
  const pacing = new Pacing();
  const told: string[] = [];
  const gone = publisher(pacing, "gone", told);
  pacing.wait(gone, 1_000_000);
  pacing.leave(gone);
  pacing.wait(publisher(pacing, "a", told), 10);
  pacing.took(10);
  assertEquals(told, ["a goes on"]);
});

Deno.test("Pacing relieves all that have waited since rows were last short", () => {
  const pacing = new Pacing();
  const told: string[] = [];
  const gone = publisher(pacing, "gone", told);
  for (const each of [publisher(pacing, "a", told), publisher(pacing, "b", told), gone]) {
    pacing.wait(each, 10);
  }
  pacing.leave(gone);
  pacing.took(10);
  pacing.relieve();
  assertEquals(told, ["a goes on", "a is relieved", "b is relieved"]);
  pacing.relieve();
  assertEquals(told.length, 3);
});

Deno.test("Pacing forgets at a relief what no publisher has felt yet", () => {
  const pacing = new Pacing();
  pacing.pressure = 2000;
  pacing.relieve();
  assertEquals(pacing.pressure, 0, "nobody would relieve who feels it now");
});

Deno.test("Pacing counts what joins a very long row twice, so that it gets shorter", () => {
  const pacing = new Pacing();
  const row = { behind: true };
  pacing.joined(row, 1001);
  pacing.joined(row, 2000);
  assertEquals(pacing.pressure, 2);
  pacing.joined(row, 2001);
  assertEquals(pacing.pressure, 4);
});

Deno.test("Pacing relieves nobody who adds to several rows while one of them is long", () => {
  const pacing = new Pacing();
  const told: string[] = [];
  const rows = [{ behind: true }, { behind: true }];
  for (const row of rows) pacing.rowChanged(row);
  pacing.wait(publisher(pacing, "a", told, rows), 100);
  for (const row of rows) {
    assertEquals(told, []);
    row.behind = false;
    pacing.rowChanged(row);
  }
  assertEquals(told, ["a is relieved"]);
});

Deno.test("Pacing relieves whoever adds to a row that became short, though others are long", () => {
  const pacing = new Pacing();
  const told: string[] = [];
  const [short, long, before] = [{ behind: true }, { behind: true }, { behind: false }];
  for (const row of [short, long]) pacing.rowChanged(row);
  pacing.wait(publisher(pacing, "of the long one", told, [long]), 100);
  pacing.wait(publisher(pacing, "of both", told, [short, long]), 100);
  pacing.wait(publisher(pacing, "of the short one", told, [before, short]), 100);
  pacing.wait(publisher(pacing, "of none", told), 100);
  short.behind = false;
  pacing.rowChanged(short);
  assertEquals(told, ["of the short one is relieved"]);
});

Deno.test("Pacing tells which rows were joined since somebody looked", () => {
  const pacing = new Pacing();
  const [one, another, third] = [{ behind: true }, { behind: true }, { behind: true }];
  for (const row of [one, one, another, one]) pacing.joined(row, 1001);
  const rows = new RecentRows();
  assertEquals(pacing.feltBy(rows), 4);
  assertEquals([one, another, third].map((row) => rows.has(row)), [true, true, false]);
  const nothing = new RecentRows();
  assertEquals([pacing.feltBy(nothing), nothing.has(one)], [0, false]);
});

Deno.test("Pacing relieves whoever adds to a row that became short, though it once added to another", () => {
  const pacing = new Pacing();
  const told: string[] = [];
  const [short, long] = [{ behind: true }, { behind: true }];
  for (const row of [short, long]) pacing.rowChanged(row);
  const once = publisher(pacing, "a", told, [long, short]);
  pacing.wait(once, 100);
  once.rows.add(short);
  pacing.wait(once, 100);
  short.behind = false;
  pacing.rowChanged(short);
  assertEquals(told, ["a is relieved"]);
});

Deno.test("a publisher whose queue is short goes on, though another's consumer takes nothing", () => {
  const vhost = new TestHost();
  const publish = (routingKey: string) => {
    const message = messageOf("x");
    message.exchange = "";
    message.routingKey = routingKey;
    vhost.publish(message);
  };
  const [stuck, consumer] = [new TestConsumer({ room: 0 }), new TestConsumer({ room: 0 })];
  vhost.add("stuck").addConsumer(stuck, { exclusive: false });
  const live = vhost.add("live");
  live.addConsumer(consumer, { exclusive: false });
  for (let count = 0; count < 1500; count++) publish("stuck");
  vhost.pacing.feltBy();
  const slowdown = new Slowdown({
    pacing: vhost.pacing,
    clock: vhost.clock,
    limitReads: () => {},
    onChange: () => {},
  });
  let idle = 0;
  for (let turn = 0; turn < 100; turn++) {
    // what one read brings, and what is taken at once
    for (let left = slowdown.active ? 0 : 1500; left > 0; left--) {
      publish("live");
      if (vhost.pacing.pressure > 0) slowdown.feel();
    }
    consumer.room = 500;
    live.consumerHasRoom(consumer);
    if (slowdown.active && live.messageCount === 0) idle++;
  }
  assertEquals(idle, 0);
});

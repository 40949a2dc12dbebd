import { assertEquals } from "@std/assert";
import { type PacedPublisher, Pacing } from "../../broker/vhost/pacing.ts";

/** A publisher that writes down what it is told. */
function publisher(pacing: Pacing, name: string, told: string[]): PacedPublisher {
  const self = {
    goOn() {
      pacing.endWait(self);
      told.push(`${name} goes on`);
    },
    relieved() {
      pacing.endWait(self);
      told.push(`${name} is relieved`);
    },
  };
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
  pacing.joined(1001);
  pacing.joined(2000);
  assertEquals(pacing.pressure, 2);
  pacing.joined(2001);
  assertEquals(pacing.pressure, 4);
});

Deno.test("Pacing relieves nobody while one of several rows is long", () => {
  const pacing = new Pacing();
  const told: string[] = [];
  pacing.rowChanged(true);
  pacing.rowChanged(true);
  pacing.wait(publisher(pacing, "a", told), 100);
  pacing.rowChanged(false);
  assertEquals(told, []);
  pacing.rowChanged(false);
  assertEquals(told, ["a is relieved"]);
});

import { assertEquals } from "@std/assert";
import { KnownOrigins } from "../../broker/auth/known_origins.ts";
import { PublicPassword } from "../../broker/auth/password.ts";
import { ManualClock } from "../support/manual_clock.ts";

const [KEPT, OTHER] = [new PublicPassword("a"), new PublicPassword("a")];

Deno.test("KnownOrigins knows a source, a user and a hash together", () => {
  const origins = new KnownOrigins(new ManualClock());
  origins.noteRight("192.0.2.1", "alice", KEPT);
  assertEquals(origins.mayCompare("192.0.2.1", "alice", KEPT), true);
  assertEquals(origins.mayCompare("192.0.2.2", "alice", KEPT), false);
  assertEquals(origins.mayCompare("192.0.2.1", "bob", KEPT), false);
  assertEquals(origins.mayCompare("192.0.2.1", "alice", OTHER), false);
  origins.noteWrong("192.0.2.2", "alice");
  assertEquals(origins.size, 1);
});

Deno.test("KnownOrigins forgives a wrong password in half a minute, and none for a right one", () => {
  const clock = new ManualClock();
  const origins = new KnownOrigins(clock);
  origins.noteRight("s", "alice", KEPT);
  for (let count = 0; count < 3; count++) origins.noteWrong("s", "alice");
  assertEquals(origins.mayCompare("s", "alice", KEPT), false);
  origins.noteRight("s", "alice", KEPT);
  assertEquals(origins.mayCompare("s", "alice", KEPT), false);
  clock.advance(30_000);
  assertEquals(origins.mayCompare("s", "alice", KEPT), true);
  origins.noteWrong("s", "alice");
  assertEquals(origins.mayCompare("s", "alice", KEPT), false);
});

Deno.test("KnownOrigins forgets whoever came in least recently", () => {
  const origins = new KnownOrigins(new ManualClock());
  for (let at = 0; at < 10_000; at++) origins.noteRight(`s${at}`, "alice", KEPT);
  origins.noteRight("s0", "alice", KEPT);
  // a guesser keeps nothing known
  origins.noteWrong("s1", "alice");
  origins.noteRight("new", "alice", KEPT);
  assertEquals(origins.size, 10_000);
  const known = ["s0", "s1", "s2", "new"].map((one) => origins.mayCompare(one, "alice", KEPT));
  assertEquals(known, [true, false, true, true]);
});

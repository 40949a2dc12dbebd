import { assertEquals, assertMatch } from "@std/assert";
import { describeMachine, doubtsAbout } from "../../bench/support/compare/machine.ts";

const QUIET = { ...describeMachine(), cores: 2, loadAverage: 0.3, temporaryFiles: "ext4" };

Deno.test("doubtsAbout() doubts a busy machine, and one whose temporary files are in memory", () => {
  assertEquals(doubtsAbout(QUIET), []);
  assertMatch(doubtsAbout({ ...QUIET, loadAverage: 1.5 }).join(), /a load of 1.5/);
  assertMatch(doubtsAbout({ ...QUIET, temporaryFiles: "tmpfs" }).join(), /TMPDIR/);
});

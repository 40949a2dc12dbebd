import { assertEquals } from "@std/assert";
import { Intake } from "../../client/intake.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { RecordingLink } from "./recording_link.ts";

function create() {
  const link = new RecordingLink();
  return { link, intake: new Intake(link) };
}

function times(count: number, action: () => void): void {
  for (let done = 0; done < count; done++) action();
}

Deno.test("Intake holds the link up when 4096 deliveries wait for callbacks", () => {
  const { link, intake } = create();
  times(4096, () => intake.queue(1));
  assertEquals(link.throttled, []);
  intake.queue(1);
  assertEquals(link.throttled, [true]);
});

Deno.test("Intake holds the link up when four mebibytes wait", () => {
  const { link, intake } = create();
  intake.queue(4 * 1024 * 1024);
  assertEquals(link.throttled, []);
  intake.queue(1);
  assertEquals(link.throttled, [true]);
});

Deno.test("Intake asks for more at the end of the turn in which half is taken", async () => {
  const { link, intake } = create();
  times(4097, () => intake.queue(1));
  times(2048, () => intake.unqueue(1));
  await endOfTurn();
  assertEquals(link.throttled, [true]);
  intake.unqueue(1);
  assertEquals(link.throttled, [true]);
  await endOfTurn();
  assertEquals(link.throttled, [true, false]);
});

Deno.test("Intake holds nothing up for an iterator while something else is awaited", () => {
  const { link, intake } = create();
  intake.expectMore();
  times(9000, () => intake.hold(1));
  assertEquals(link.throttled, []);
  intake.expectLess();
  intake.hold(1);
  assertEquals(link.throttled, [true]);
});

Deno.test("Intake lets the link go on as soon as something else is awaited", async () => {
  const { link, intake } = create();
  times(4097, () => intake.hold(1));
  assertEquals(link.throttled, [true]);
  intake.expectMore();
  await endOfTurn();
  assertEquals(link.throttled, [true, false]);
});

Deno.test("Intake holds the link up for callbacks whatever is awaited", () => {
  const { link, intake } = create();
  intake.expectMore();
  times(4097, () => intake.queue(1));
  assertEquals(link.throttled, [true]);
});

Deno.test("Intake holds nothing up for an iterator while a reply is awaited that a socket would hold up", () => {
  for (const holdsAll of [true, false]) {
    const link = new RecordingLink();
    const intake = new Intake(link, holdsAll);
    intake.expectReply();
    times(4097, () => intake.hold(1));
    assertEquals(link.throttled, holdsAll ? [] : [true]);
    intake.expectNoReply();
    intake.expectMore();
    times(9000, () => intake.hold(1));
    intake.expectLess();
    intake.hold(1);
    assertEquals(link.throttled, [true]);
  }
});

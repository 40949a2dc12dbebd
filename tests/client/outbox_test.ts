import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Home } from "../../client/messaging/lasting_channel.ts";
import { Outbox } from "../../client/messaging/outbox.ts";
import { OutgoingMessage } from "../../client/messaging/outgoing_message.ts";
import { resolvePublisher } from "../../client/messaging/publisher_options.ts";
import { Trials } from "../../client/messaging/trials.ts";
import { BufferFullError } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

Deno.test("a message that is given up and whose compression fails too is taken out of the bounds once", async () => {
  const home = {
    trials: new Trials(),
    clock: new ManualClock(),
    isReconnecting: () => true,
  } as unknown as Home;
  const options = resolvePublisher({ maxBuffered: 3, maxBufferedBytes: 100 });
  const outbox = new Outbox(home, options);
  const message = (size: number) =>
    new OutgoingMessage(outbox, "", "q", false, {}, new Uint8Array(size), 0, size);
  const kept = [message(30), message(30)];
  for (const one of kept) outbox.hold(one);
  const compressing = Promise.withResolvers<Uint8Array>();
  const given = message(40);
  outbox.compress(given, () => compressing.promise);
  assertEquals(outbox.buffered, 3);
  outbox.abandon(given);
  assertEquals(outbox.buffered, 2);
  compressing.reject(new RangeError("it cannot be compressed"));
  await assertRejects(() => given.promise, RangeError, "cannot be compressed");
  assertEquals(outbox.buffered, 2);
  assertThrows(() => outbox.checkBounds(41), BufferFullError, "60 bytes wait already");
  outbox.hold(message(40));
  assertThrows(() => outbox.hold(message(0)), BufferFullError, "3 messages wait already");
  outbox.ended(undefined);
  for (const one of kept) await assertRejects(() => one.promise, TypeError);
});

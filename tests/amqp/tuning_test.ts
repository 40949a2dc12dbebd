import { assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { checkTuneOk, chooseTuning, type Tuning } from "../../broker/amqp/tuning.ts";

const OFFERED: Tuning = { channelMax: 2047, frameMax: 131_072, heartbeat: 60 };
const NO_LIMITS: Tuning = { channelMax: 0, frameMax: 0, heartbeat: 0 };

Deno.test("chooseTuning() takes the server's word for what the client does not say", () => {
  assertEquals(chooseTuning(OFFERED), OFFERED);
  assertEquals(chooseTuning(NO_LIMITS), NO_LIMITS);
});

Deno.test("chooseTuning() takes the lower limit, and 0 is none", () => {
  const low = { channelMax: 10, frameMax: 4096, heartbeat: 5 };
  const high = { channelMax: 65_535, frameMax: 1_000_000, heartbeat: 600 };
  assertEquals(chooseTuning(OFFERED, low), low);
  assertEquals(chooseTuning(OFFERED, high), OFFERED);
  assertEquals(chooseTuning(NO_LIMITS, low), low);
  assertEquals(chooseTuning(OFFERED, { channelMax: 0, frameMax: 0 }), OFFERED);
});

Deno.test("chooseTuning() wants no heartbeat when the client wants none", () => {
  assertEquals(chooseTuning(OFFERED, { heartbeat: 0 }).heartbeat, 0);
});

Deno.test("checkTuneOk() accepts what is within the limits", () => {
  const answers = [OFFERED, { channelMax: 1, frameMax: 4096, heartbeat: 0 }, {
    ...OFFERED,
    heartbeat: 65_535,
  }];
  for (const answer of answers) checkTuneOk(OFFERED, answer);
  checkTuneOk(NO_LIMITS, NO_LIMITS);
  checkTuneOk(NO_LIMITS, { channelMax: 65_535, frameMax: 2 ** 32 - 1, heartbeat: 1 });
});

const REFUSED: readonly (readonly [Partial<Tuning>, string])[] = [
  [{ frameMax: 4095 }, "frame_max = 4095 is lower than the minimum allowed value (4096)"],
  [{ frameMax: 131_073 }, "frame_max = 131073 is higher than the maximum allowed value (131072)"],
  [{ frameMax: 0 }, "frame_max = 0 (no limit) is higher than the maximum allowed value (131072)"],
  [{ channelMax: 2048 }, "channel_max = 2048 is higher than the maximum allowed value (2047)"],
  [{ channelMax: 0 }, "channel_max = 0 (no limit) is higher than the maximum allowed value (2047)"],
];

for (const [change, text] of REFUSED) {
  Deno.test(`checkTuneOk() refuses ${text}`, () => {
    const error = assertThrows(() => checkTuneOk(OFFERED, { ...OFFERED, ...change }), AmqpError);
    assertEquals(error.message, `NOT_ALLOWED - negotiated ${text}`);
    assertEquals(error.hard, true);
  });
}

Deno.test("checkTuneOk() wants frames of 4096 octets even where there is no limit", () => {
  const error = assertThrows(
    () => checkTuneOk(NO_LIMITS, { ...NO_LIMITS, frameMax: 8 }),
    AmqpError,
  );
  assertEquals(error.replyCode, 530);
});

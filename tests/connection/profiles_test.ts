import { assertEquals } from "@std/assert";
import {
  basicCancelOk,
  basicConsume,
  connectionStartOk,
  connectionTuneOk,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import type { ProfileName } from "../../broker/profiles.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { sendStartOk, ServedBroker } from "./support.ts";

/** Where versions of RabbitMQ differ, as far as only bytes show it. */
const PROFILES = ["drop-in", "rabbitmq-3.13", "rabbitmq-4.3"] as const;

const AMQP = [...new TextEncoder().encode("AMQP")];
const [OURS, THEIRS] = [[0, 0, 9, 1], [3, 1, 0, 0]];

/** What answers a header, under each profile. */
const HEADERS: readonly (readonly [header: readonly number[], answers: readonly number[][]])[] = [
  [[...AMQP, 0, 1, 0, 0], [OURS, OURS, THEIRS]],
  [[...AMQP, 1, 1, 8, 0], [OURS, OURS, THEIRS]],
  [[...AMQP, 9, 9, 9, 9], [OURS, OURS, THEIRS]],
  [[...new TextEncoder().encode("GET / HT")], [OURS, OURS, THEIRS]],
  [[...AMQP, 0, 0, 10, 0], [OURS, OURS, OURS]],
  // it would take its own header for a yes
  [[...AMQP, 3, 1, 0, 0], [OURS, OURS, OURS]],
];

for (const [column, profile] of PROFILES.entries()) {
  Deno.test(`a protocol header that is not understood is answered by another one: ${profile}`, async () => {
    await using served = await ServedBroker.start({ profile });
    for (const [header, answers] of HEADERS) {
      const peer = served.dial();
      await peer.sendBytes(new Uint8Array(header));
      assertEquals([...await peer.expectProtocolHeader()], [...AMQP, ...answers[column]!]);
      await peer.expectEnd();
    }
  });
}

const FRAMES: Readonly<Record<ProfileName, number>> = {
  "drop-in": 4096,
  "rabbitmq-3.13": 4096,
  "rabbitmq-4.3": 8192,
};

for (const [profile, least] of Object.entries(FRAMES)) {
  Deno.test(`a client's frames must have ${least} bytes at least: ${profile}`, async () => {
    await using served = await ServedBroker.start({ profile: profile as ProfileName });
    await served.login({ tuning: { frameMax: least } });
    const peer = served.dial();
    await sendStartOk(peer);
    const tune = await peer.expect(0, "connection.tune");
    await peer.send(0, connectionTuneOk({ ...tune, frameMax: least - 1 }));
    const { replyCode, replyText } = await peer.expect(0, "connection.close");
    assertEquals([replyCode, replyText], [
      530,
      `NOT_ALLOWED - negotiated frame_max = ${least - 1} is lower than the minimum allowed value ` +
      `(${least})`,
    ]);
  });
}

/** A login with client properties of so many bytes. */
async function logInWith(peer: RawPeer, size: number): Promise<void> {
  await peer.sendBytes(PROTOCOL_HEADER);
  await peer.expect(0, "connection.start");
  const capabilities = { authentication_failure_close: true };
  const response = plainResponse({ username: "guest", password: "guest" });
  const clientProperties = { capabilities, information: "x".repeat(size) };
  await peer.send(
    0,
    connectionStartOk({ clientProperties, mechanism: "PLAIN", response, locale: "en_US" }),
  );
}

const LOGINS: Readonly<Record<ProfileName, readonly [fits: number, tooLarge: number]>> = {
  "drop-in": [3_900, 4_100],
  "rabbitmq-3.13": [3_900, 4_100],
  "rabbitmq-4.3": [8_000, 8_200],
};

for (const [profile, [fits, tooLarge]] of Object.entries(LOGINS)) {
  Deno.test(`a login may have ${fits} bytes, not ${tooLarge}: ${profile}`, async () => {
    await using served = await ServedBroker.start({ profile: profile as ProfileName });
    const one = served.dial();
    await logInWith(one, fits);
    await one.expect(0, "connection.tune");
    const other = served.dial();
    await logInWith(other, tooLarge);
    assertEquals((await other.expect(0, "connection.close")).replyCode, 501);
  });
}

Deno.test("a smaller frame_max of the broker holds for logins, too", async () => {
  await using served = await ServedBroker.start({ profile: "4.3", frameMax: 8192 });
  const peer = served.dial();
  await logInWith(peer, 8_200);
  assertEquals((await peer.expect(0, "connection.close")).replyCode, 501);
});

for (const profile of PROFILES) {
  const takes = profile === "rabbitmq-4.3";
  Deno.test(`a client may ${takes ? "" : "not "}answer basic.cancel: ${profile}`, async () => {
    await using served = await ServedBroker.start({ profile });
    const peer = await served.login();
    const consumer = { queue: "q", consumerTag: "t", noAck: true };
    for (const queue of ["q", "r"]) {
      await peer.send(1, queueDeclare({ queue, durable: true }));
      await peer.expect(1, "queue.declare-ok");
    }
    await peer.send(1, basicConsume(consumer));
    await peer.expect(1, "basic.consume-ok");
    await served.broker.deleteQueue({ queue: "q" });
    await peer.expect(1, "basic.cancel");
    await peer.send(1, basicConsume({ ...consumer, queue: "r" }));
    await peer.expect(1, "basic.consume-ok");
    await peer.send(1, basicCancelOk({ consumerTag: "t" }));
    if (!takes) {
      const { replyCode, replyText } = await peer.expect(0, "connection.close");
      const expected = [503, "COMMAND_INVALID - unimplemented method"];
      return assertEquals([replyCode, replyText], expected);
    }
    // who has the same tag meanwhile goes on
    const channel = await (await served.broker.connect()).openChannel();
    await channel.basicPublish({ routingKey: "r" }, "for it");
    assertEquals((await peer.expectContent(1, "basic.deliver")).text, "for it");
  });
}

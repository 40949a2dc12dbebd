import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { concat } from "@std/bytes";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import {
  basicConsume,
  basicPublish,
  channelOpen,
  connectionClose,
  connectionCloseOk,
  connectionOpen,
  connectionSecureOk,
  connectionStartOk,
  connectionTuneOk,
  type Method,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { amqplainResponse, plainResponse } from "../../broker/amqp/sasl.ts";
import { frame, heartbeatFrame, methodFrame } from "../amqp/frames.ts";
import { wire } from "../amqp/golden.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { CAPABILITIES, logIn, sendStartOk, ServedBroker, settle } from "./support.ts";

const TUNED = { channelMax: 2047, frameMax: 131_072, heartbeat: 0 };

/** The broker's `connection.close`, which is confirmed, and the end. */
async function expectClose(peer: RawPeer): Promise<[number, string, number, number]> {
  const closed = await expectCloseMethod(peer);
  await peer.send(0, connectionCloseOk());
  await peer.expectEnd();
  return closed;
}

async function expectCloseMethod(peer: RawPeer): Promise<[number, string, number, number]> {
  const { replyCode, replyText, classId, methodId } = await peer.expect(0, "connection.close");
  return [replyCode, replyText, classId, methodId];
}

for (
  const header of [
    wire("AMQP", 0, 0, 8, 0),
    wire("AMQP", 0, 0, 10, 0),
    wire("AMQP", 1, 1, 8, 0),
    wire("AMQP", 3, 1, 0, 0),
    wire("AMQP", 0, 1, 0, 0),
    wire("GET / HT"),
    wire(0x16, 3, 1, 2, 0, 1, 0, 1),
    wire("amqp", 0, 0, 9, 1),
  ]
) {
  Deno.test(`A client that begins with ${Deno.inspect(wireText(header))} gets the header back`, async () => {
    await using served = await ServedBroker.start();
    const peer = served.dial();
    await peer.sendBytes(header);
    assertEquals(await peer.expectProtocolHeader(), PROTOCOL_HEADER);
    await peer.expectEnd();
  });
}

Deno.test("A client may begin with the header of AMQP 0-9", async () => {
  await using served = await ServedBroker.start();
  const peer = served.dial();
  await peer.sendBytes(wire("AMQP", 1, 1, 0, 9));
  const start = await peer.expect(0, "connection.start");
  assertEquals([start.versionMajor, start.versionMinor], [0, 9]);
});

Deno.test("connection.start says what RabbitMQ says, in its order", async () => {
  await using served = await ServedBroker.start();
  const peer = served.dial();
  for (const octet of PROTOCOL_HEADER) await peer.sendBytes(Uint8Array.of(octet));
  const start = await peer.expect(0, "connection.start");
  assertEquals([start.mechanisms, start.locales], ["AMQPLAIN PLAIN", "en_US"]);
  assertEquals(Object.keys(start.serverProperties).slice(0, 7), [
    "capabilities",
    "cluster_name",
    "copyright",
    "information",
    "platform",
    "product",
    "version",
  ]);
  assertEquals(
    Object.entries(start.serverProperties.capabilities!).every(([, value]) => value === true),
    true,
  );
});

Deno.test("A client may say all of its handshake at once", async () => {
  await using served = await ServedBroker.start();
  const peer = served.dial();
  const response = plainResponse({ username: "guest", password: "guest" });
  const startOk = connectionStartOk({ mechanism: "PLAIN", response, locale: "en_US" });
  await peer.sendBytes(concat([
    PROTOCOL_HEADER,
    heartbeatFrame(),
    methodFrame(0, startOk),
    methodFrame(0, connectionTuneOk(TUNED)),
    heartbeatFrame(),
    methodFrame(0, connectionOpen({ virtualHost: "/" })),
    methodFrame(7, channelOpen()),
    methodFrame(7, queueDeclare({ queue: "q" })),
  ]));
  await peer.expect(0, "connection.start");
  assertEquals(
    await peer.expect(0, "connection.tune").then(({ name: _, ...offered }) => offered),
    { ...TUNED, heartbeat: 60 },
  );
  await peer.expect(0, "connection.open-ok");
  await peer.expect(7, "channel.open-ok");
  assertEquals((await peer.expect(7, "queue.declare-ok")).queue, "q");
});

Deno.test("A client may log in with AMQPLAIN", async () => {
  await using served = await ServedBroker.start();
  const peer = served.dial();
  const response = amqplainResponse({ username: "guest", password: "guest" });
  await sendStartOk(peer, { mechanism: "AMQPLAIN", response });
  await peer.expect(0, "connection.tune");
});

Deno.test("The broker keeps to the frame-max that the client chose", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login({ tuning: { frameMax: 4096 } });
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, basicPublish({ routingKey: "q" }), { body: "x".repeat(10_000) });
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "c", noAck: true, noWait: true }));
  assertEquals((await peer.expectContent(1, "basic.deliver")).body.length, 10_000);
  await peer.sendBytes(frame(1, 1, new Uint8Array(4097)));
  assertEquals(await expectCloseMethod(peer), [
    501,
    "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,4097,4088}",
    0,
    0,
  ]);
});

// ---- refused logins

const REFUSED: readonly (readonly [
  why: string,
  login: { mechanism?: string; response?: Uint8Array; hostname?: string },
  log: string,
])[] = [
  [
    "a wrong password",
    { response: plainResponse({ username: "guest", password: "wrong" }) },
    "user 'guest': invalid credentials",
  ],
  [
    "an unknown user",
    { response: plainResponse({ username: "rabbit", password: "guest" }) },
    "user 'rabbit': invalid credentials",
  ],
  [
    "an address that is not loopback",
    { hostname: "192.0.2.1" },
    "user 'guest' can only connect via localhost",
  ],
  ["a response that is none", { response: wire("guest") }, "the response is malformed"],
  ["another mechanism", { mechanism: "EXTERNAL" }, "mechanism EXTERNAL is not offered"],
];

for (const [why, login, log] of REFUSED) {
  Deno.test(`A login with ${why} is refused with 403`, async () => {
    await using served = await ServedBroker.start();
    const { hostname = "127.0.0.1", mechanism = "PLAIN" } = login;
    const peer = served.dial({ hostname });
    await sendStartOk(peer, login);
    assertEquals(await expectClose(peer), [
      403,
      `ACCESS_REFUSED - Login was refused using authentication mechanism ${mechanism}. For ` +
      "details see the broker logfile.",
      0,
      0,
    ]);
    assertEquals(served.logger.of("warning").length, 1);
    assertMatch(
      served.logger.of("warning")[0]!,
      new RegExp(`connection ${hostname}:\\d+: ${log}$`),
    );
    assertEquals(served.clock.timers, 0);
  });
}

Deno.test("A client that was refused has three seconds to confirm it", async () => {
  await using served = await ServedBroker.start();
  const peer = served.dial();
  await sendStartOk(peer, { mechanism: "NOPE" });
  await peer.expect(0, "connection.close");
  served.clock.advance(2999);
  await peer.send(0, connectionOpen({ virtualHost: "/" }));
  await settle();
  served.clock.advance(1);
  await peer.expectEnd();
});

Deno.test("A client that does not ask for it just loses its link, after three seconds", async () => {
  await using served = await ServedBroker.start();
  const peer = served.dial();
  await sendStartOk(peer, { capabilities: {}, mechanism: "NOPE" });
  let ended = false;
  const end = peer.expectEnd().then(() => ended = true);
  await settle();
  served.clock.advance(2999);
  await settle();
  assertEquals(ended, false);
  served.clock.advance(1);
  await end;
});

Deno.test("A client whose login was refused may try again on another connection", async () => {
  await using served = await ServedBroker.start();
  const peer = served.dial();
  await sendStartOk(peer, { mechanism: "NOPE" });
  await expectClose(peer);
  await logIn(served.dial());
});

Deno.test("An authenticator that throws refuses the login, and the log tells of the bug", async () => {
  await using served = await ServedBroker.start({
    authenticator: {
      mechanisms: ["PLAIN"],
      authenticate() {
        throw new RangeError("a bug of the authenticator");
      },
    },
  });
  const peer = served.dial();
  await sendStartOk(peer);
  assertEquals((await expectClose(peer))[0], 403);
  assertStringIncludes(served.logger.of("error").join(), "a bug of the authenticator");
});

// ---- what is out of order

const WRONG: readonly (readonly [
  what: string,
  before: "start" | "tune" | "open",
  sent: Method | Uint8Array,
  closed: readonly [number, string, number, number],
])[] = [
  [
    "tune-ok before start-ok",
    "start",
    connectionTuneOk(TUNED),
    [504, "CHANNEL_ERROR - unexpected method in connection state starting", 10, 31],
  ],
  [
    "secure-ok that nobody asked for",
    "start",
    connectionSecureOk(),
    [504, "CHANNEL_ERROR - unexpected method in connection state starting", 10, 21],
  ],
  [
    "a channel before start-ok",
    "start",
    channelOpen(),
    [504, "CHANNEL_ERROR - unexpected method in connection state starting", 20, 10],
  ],
  [
    "open before tune-ok",
    "tune",
    connectionOpen({ virtualHost: "/" }),
    [504, "CHANNEL_ERROR - unexpected method in connection state tuning", 10, 40],
  ],
  [
    "tune-ok twice",
    "open",
    connectionTuneOk(TUNED),
    [504, "CHANNEL_ERROR - unexpected method in connection state opening", 10, 31],
  ],
  [
    "a content header",
    "tune",
    frame(2, 1, [0, 60]),
    [505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", 0, 0],
  ],
  [
    "a frame that is none",
    "tune",
    frame(7, 0, [1, 2]),
    [501, "FRAME_ERROR - type 7, all octets = <<1,2>>: unknown_frame", 0, 0],
  ],
  [
    "a frame without its end",
    "open",
    frame(8, 0, [], 0),
    [501, "FRAME_ERROR - type 8, all octets = <<>>: {invalid_frame_end_marker,0}", 0, 0],
  ],
  [
    "a frame-max below the minimum",
    "tune",
    connectionTuneOk({ ...TUNED, frameMax: 4095 }),
    [
      530,
      "NOT_ALLOWED - negotiated frame_max = 4095 is lower than the minimum allowed value (4096)",
      10,
      30,
    ],
  ],
  [
    "a frame-max of no limit",
    "tune",
    connectionTuneOk({ ...TUNED, frameMax: 0 }),
    [
      530,
      "NOT_ALLOWED - negotiated frame_max = 0 (no limit) is higher than the maximum allowed value " +
      "(131072)",
      10,
      30,
    ],
  ],
  [
    "more channels than offered",
    "tune",
    connectionTuneOk({ ...TUNED, channelMax: 2048 }),
    [
      530,
      "NOT_ALLOWED - negotiated channel_max = 2048 is higher than the maximum allowed value (2047)",
      10,
      30,
    ],
  ],
  [
    "a vhost that does not exist",
    "open",
    connectionOpen({ virtualHost: "nope" }),
    [530, "NOT_ALLOWED - vhost nope not found", 10, 40],
  ],
  [
    "a vhost without a name",
    "open",
    connectionOpen({ virtualHost: "" }),
    [530, "NOT_ALLOWED - vhost  not found", 10, 40],
  ],
];

for (const [what, before, sent, closed] of WRONG) {
  Deno.test(`A handshake with ${what} is refused with ${closed[0]}`, async () => {
    await using served = await ServedBroker.start();
    const peer = served.dial();
    await peer.sendBytes(PROTOCOL_HEADER);
    await peer.expect(0, "connection.start");
    if (before !== "start") {
      const response = plainResponse({ username: "guest", password: "guest" });
      const clientProperties = { capabilities: CAPABILITIES };
      await peer.send(0, connectionStartOk({ clientProperties, mechanism: "PLAIN", response }));
      await peer.expect(0, "connection.tune");
    }
    if (before === "open") await peer.send(0, connectionTuneOk(TUNED));
    if (sent instanceof Uint8Array) await peer.sendBytes(sent);
    else await peer.send(sent.name === "channel.open" ? 1 : 0, sent);
    if (sent instanceof Uint8Array && closed[0] === 501) {
      // the framing is lost, so whatever the client says now is not understood
      assertEquals(await expectCloseMethod(peer), [...closed]);
      await peer.sendBytes(new Uint8Array(5000));
      await peer.send(0, connectionCloseOk());
      await settle();
      served.clock.advance(3000);
      await peer.expectEnd();
    } else {
      assertEquals(await expectClose(peer), [...closed]);
    }
    await settle();
    assertEquals(served.logger.of("error"), []);
    assertEquals(served.clock.timers, 0);
  });
}

for (const before of ["start-ok", "tune-ok", "open"] as const) {
  Deno.test(`A client that closes instead of sending ${before} gets close-ok`, async () => {
    await using served = await ServedBroker.start();
    const peer = served.dial();
    if (before === "start-ok") {
      await peer.sendBytes(PROTOCOL_HEADER);
      await peer.expect(0, "connection.start");
    } else {
      await sendStartOk(peer);
      await peer.expect(0, "connection.tune");
      if (before === "open") await peer.send(0, connectionTuneOk(TUNED));
    }
    await peer.send(0, connectionClose({ replyCode: 200, replyText: "changed my mind" }));
    await peer.expect(0, "connection.close-ok");
    await peer.expectEnd();
  });
}

// ---- time, and peers that go

for (const stage of ["nothing", "half a header", "a header", "half a frame", "a login"] as const) {
  Deno.test(`A client that says ${stage} and no more is dropped after ten seconds`, async () => {
    await using served = await ServedBroker.start();
    const peer = served.dial();
    if (stage === "half a header") await peer.sendBytes(PROTOCOL_HEADER.subarray(0, 4));
    if (stage === "a header" || stage === "half a frame") {
      await peer.sendBytes(PROTOCOL_HEADER);
      await peer.expect(0, "connection.start");
    }
    if (stage === "half a frame") await peer.sendBytes(wire(1, 0, 0, 0, 0, 0, 50, 0, 10, 0, 11));
    if (stage === "a login") {
      await sendStartOk(peer);
      await peer.expect(0, "connection.tune");
    }
    await settle();
    served.clock.advance(9999);
    await settle();
    assertEquals(served.logger.of("warning"), []);
    served.clock.advance(1);
    await peer.expectEnd();
    assertMatch(
      served.logger.of("warning").join(),
      /^warning: connection 127\.0\.0\.1:\d+: no handshake within 10000 ms$/,
    );
  });
}

Deno.test("A handshake may take as long as the broker's options say", async () => {
  await using served = await ServedBroker.start({ handshakeTimeoutMs: 50 });
  const peer = served.dial();
  await settle();
  served.clock.advance(50);
  await peer.expectEnd();
});

Deno.test("A client that goes during the handshake is no warning", async () => {
  await using served = await ServedBroker.start();
  served.dial().close();
  const peer = served.dial();
  await peer.sendBytes(PROTOCOL_HEADER);
  await peer.expect(0, "connection.start");
  peer.close();
  await settle();
  assertEquals(served.logger.lines.filter((line) => !line.startsWith("debug: ")), []);
  assertEquals(served.clock.timers, 0);
});

Deno.test("A broker that closes drops clients whose handshake is not done", async () => {
  await using served = await ServedBroker.start();
  const peer = served.dial();
  await peer.sendBytes(PROTOCOL_HEADER);
  await peer.expect(0, "connection.start");
  await served.broker.close();
  await peer.expectEnd();
});

function wireText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

Deno.test("clients that say nothing do not fill the log, however many of an address there are", async () => {
  await using served = await ServedBroker.start();
  const idle = Array.from({ length: 50 }, () => served.dial());
  const other = served.dial({ hostname: "192.0.2.1" });
  await settle();
  served.clock.advance(10_000);
  for (const peer of [...idle, other]) await peer.expectEnd();
  const lines = () => served.logger.of("warning").filter((line) => line.includes("no handshake"));
  assertEquals(lines().length, 21);
  served.clock.advance(1000);
  assertEquals(lines().length, 22);
  assertMatch(lines().at(-1)!, / 10000 ms \(30 lines like this of its address within a second\)$/);
});

import {
  FRAME_BODY,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  PROTOCOL_HEADER,
} from "../../broker/amqp/constants.ts";
import { basicGet, basicPublish, basicQos } from "../../broker/amqp/methods/basic.ts";
import { channelOpen } from "../../broker/amqp/methods/channel.ts";
import {
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
} from "../../broker/amqp/methods/connection.ts";
import { queueDeclare } from "../../broker/amqp/methods/queue.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import type { WireCase } from "../support/harness.ts";
import { frameBytes, type WirePeer } from "../support/wire_peer.ts";
import { closeSaid, headerPayload, octets, payloadOf } from "./wire_observe.ts";

const GOOD_PUBLISH = payloadOf(basicPublish({ routingKey: "nobody" }));

/** Frames that end the connection. */
const BROKEN: readonly (readonly [
  name: string,
  send: (peer: WirePeer) => Promise<void>,
  expect: unknown,
])[] = [
  [
    "a frame with a wrong last octet",
    async (peer) => {
      const bytes = frameBytes(FRAME_HEARTBEAT, 0, []);
      bytes[bytes.length - 1] = 0xcd;
      await peer.sendBytes(bytes);
    },
    [501, "FRAME_ERROR - type 8, all octets = <<>>: {invalid_frame_end_marker,205}", "none"],
  ],
  [
    "a body frame with a wrong last octet",
    async (peer) => {
      const bytes = frameBytes(FRAME_BODY, 1, [1, 2, 3]);
      bytes[bytes.length - 1] = 0;
      await peer.sendBytes(bytes);
    },
    [501, "FRAME_ERROR - type 3, all octets = <<1,2,3>>: {invalid_frame_end_marker,0}", "none"],
  ],
  [
    "a frame that announces more than was agreed on",
    (peer) => peer.sendBytes(Uint8Array.of(FRAME_METHOD, 0, 1, 0, 2, 0, 1, 0, 10)),
    [501, "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,131073,131064}", "none"],
  ],
  [
    "a frame that announces four gigabytes",
    (peer) => peer.sendBytes(Uint8Array.of(FRAME_BODY, 0, 1, 255, 255, 255, 255, 0)),
    [501, "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4294967295,131064}", "none"],
  ],
  [
    "a frame of an unknown type",
    (peer) => peer.sendFrame(9, 1, [1, 2, 3]),
    [501, "FRAME_ERROR - type 9, all octets = <<1,2,3>>: unknown_frame", "none"],
  ],
  [
    "a long frame of an unknown type",
    (peer) => peer.sendFrame(5, 1, Array.from({ length: 20 }, (_, index) => index)),
    [
      501,
      "FRAME_ERROR - type 5, first 16 octets = <<0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15>>: " +
      "unknown_frame",
      "none",
    ],
  ],
  [
    "a frame of an unknown type on channel 0",
    (peer) => peer.sendFrame(9, 0, [1, 2, 3]),
    [501, "FRAME_ERROR - type 9, all octets = <<1,2,3>>: unknown_frame", "none"],
  ],
  [
    "the heartbeat of the published text, type 4",
    (peer) => peer.sendFrame(4, 0, []),
    [501, "FRAME_ERROR - type 4, all octets = <<>>: unknown_frame", "none"],
  ],
  [
    "a method frame without a method",
    (peer) => peer.sendFrame(FRAME_METHOD, 1, []),
    [501, "FRAME_ERROR - type 1, all octets = <<>>: unknown_frame", "none"],
  ],
  [
    "a method frame with half a method id",
    (peer) => peer.sendFrame(FRAME_METHOD, 1, [0, 50, 0]),
    [501, "FRAME_ERROR - type 1, all octets = <<0,50,0>>: unknown_frame", "none"],
  ],
  [
    "a content header that is too short",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_HEADER, 1, [0, 60, 0, 0]);
    },
    [501, "FRAME_ERROR - type 2, all octets = <<0,60,0,0>>: unknown_frame", "none"],
  ],
  [
    "a heartbeat on channel 1",
    (peer) => peer.sendFrame(FRAME_HEARTBEAT, 1, []),
    [505, "UNEXPECTED_FRAME - type 8, all octets = <<>>", "none"],
  ],
  [
    "a content header on channel 0",
    (peer) => peer.sendFrame(FRAME_HEADER, 0, headerPayload(0)),
    [505, "UNEXPECTED_FRAME - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,0,0,0>>", "none"],
  ],
  [
    "a body on channel 0",
    (peer) => peer.sendFrame(FRAME_BODY, 0, [1]),
    [505, "UNEXPECTED_FRAME - type 3, all octets = <<1>>", "none"],
  ],
  [
    "a content header without a method",
    (peer) => peer.sendFrame(FRAME_HEADER, 1, headerPayload(0)),
    [505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", "none"],
  ],
  [
    "a body without a method",
    (peer) => peer.sendFrame(FRAME_BODY, 1, [1, 2]),
    [505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", "none"],
  ],
  [
    "a method where a content header is due",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicQos()));
    },
    [
      505,
      "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame " +
      "instead",
      "basic.publish",
    ],
  ],
  [
    "a body where a content header is due",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_BODY, 1, [1]);
    },
    [
      505,
      "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame " +
      "instead",
      "basic.publish",
    ],
  ],
  [
    "a content header of another class",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(1, { classId: 50 }));
    },
    [
      505,
      "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead",
      "basic.publish",
    ],
  ],
  [
    "a method where a body is due",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(5));
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicQos()));
    },
    [
      505,
      "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
      "basic.publish",
    ],
  ],
  [
    "a content header where a body is due",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(5));
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(5));
    },
    [
      505,
      "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
      "basic.publish",
    ],
  ],
];

/** Bodies that cannot be: the connection ends, or at least another channel of it goes on. */
const WRONG_BODIES: typeof BROKEN = [
  [
    "more body than was announced",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(2));
      await peer.sendFrame(FRAME_BODY, 1, [1, 2, 3]);
    },
    [501, "FRAME_ERROR - content body frame exceeds remaining content size", "none"],
  ],
  [
    "a body announced above 512 MiB",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(536_870_913));
    },
    [
      501,
      "FRAME_ERROR - content body size 536870913 exceeds maximum allowed size 536870912",
      "none",
    ],
  ],
  [
    "a body announced far above that",
    async (peer) => {
      await peer.sendFrame(FRAME_METHOD, 1, GOOD_PUBLISH);
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(2n ** 50n));
    },
    [
      501,
      "FRAME_ERROR - content body size 1125899906842624 exceeds maximum allowed size 536870912",
      "none",
    ],
  ],
];

/** Frames, whole and broken. */
export const frames: readonly WireCase[] = [
  ...BROKEN.map(([name, send, expect]): WireCase => ({
    name: `${name} ends the connection`,
    async run({ login }) {
      const peer = await login();
      await send(peer);
      return await closeSaid(peer);
    },
    expect,
  })),
  ...WRONG_BODIES.map(([name, send, expect]): WireCase => ({
    name: `${name} ends the connection`,
    async run({ login }) {
      const peer = await login();
      await peer.send(2, channelOpen());
      await peer.expect(2, "channel.open-ok");
      await send(peer);
      await peer.send(2, basicQos());
      const next = await peer.next();
      if (next?.method.name !== "connection.close") return "goes on";
      return [next.method.replyCode, next.method.replyText];
    },
    expect: (expect as unknown[]).slice(0, 2),
  })),
  {
    name: "where the framing is lost the connection ends within seconds, confirmed or not",
    async run({ login }) {
      const peer = await login();
      await peer.sendBytes(Uint8Array.of(FRAME_METHOD, 0, 1, 255, 255, 255, 255, 0));
      await peer.expect(0, "connection.close");
      const started = performance.now();
      await peer.expectEnd();
      return performance.now() - started < 6_000;
    },
    expect: true,
  },
  {
    name: "a whole conversation may come octet by octet",
    async run({ dial, name }) {
      const peer = await dial();
      const queue = name("queue");
      const response = plainResponse({ username: "guest", password: "guest" });
      const parts = [
        PROTOCOL_HEADER,
        frame(0, connectionStartOk({ mechanism: "PLAIN", response, locale: "en_US" })),
        frame(0, connectionTuneOk({ channelMax: 1, frameMax: 4096, heartbeat: 0 })),
        frame(0, connectionOpen({ virtualHost: "/" })),
        frame(1, channelOpen()),
        frame(1, queueDeclare({ queue })),
        frame(1, basicPublish({ routingKey: queue })),
        frameBytes(FRAME_HEADER, 1, headerPayload(5)),
        frameBytes(FRAME_BODY, 1, octets("he")),
        frameBytes(FRAME_BODY, 1, octets("llo")),
        frame(1, basicGet({ queue, noAck: true })),
      ];
      for (const part of parts) {
        for (const octet of part) await peer.sendBytes(Uint8Array.of(octet));
      }
      await peer.expect(0, "connection.start");
      await peer.expect(0, "connection.tune");
      await peer.expect(0, "connection.open-ok");
      await peer.expect(1, "channel.open-ok");
      await peer.expect(1, "queue.declare-ok");
      return (await peer.expectContent(1, "basic.get-ok")).text;
    },
    expect: "hello",
  },
  {
    name: "a heartbeat may come at any time, even within a content",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.sendHeartbeat();
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey: queue })));
      await peer.sendHeartbeat();
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(4));
      await peer.sendFrame(FRAME_BODY, 1, octets("be"));
      await peer.sendHeartbeat();
      await peer.sendFrame(FRAME_BODY, 1, octets("at"));
      await peer.send(1, basicGet({ queue, noAck: true }));
      return (await peer.expectContent(1, "basic.get-ok")).text;
    },
    expect: "beat",
  },
  {
    name: "contents of several channels may come in pieces between one another",
    async run({ login, name }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(2, channelOpen());
      await peer.expect(2, "channel.open-ok");
      const publish = payloadOf(basicPublish({ routingKey: queue }));
      await peer.sendFrame(FRAME_METHOD, 1, publish);
      await peer.sendFrame(FRAME_METHOD, 2, publish);
      await peer.sendFrame(FRAME_HEADER, 2, headerPayload(4));
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(4));
      await peer.sendFrame(FRAME_BODY, 1, octets("on"));
      await peer.sendFrame(FRAME_BODY, 2, octets("two!"));
      await peer.sendFrame(FRAME_BODY, 1, octets("e!"));
      const bodies: string[] = [];
      for (const channel of [2, 1]) {
        await peer.send(channel, basicGet({ queue, noAck: true }));
        bodies.push((await peer.expectContent(channel, "basic.get-ok")).text);
      }
      return bodies.sort();
    },
    expect: ["one!", "two!"],
  },
];

function frame(channel: number, method: Parameters<typeof payloadOf>[0]): Uint8Array {
  return frameBytes(FRAME_METHOD, channel, payloadOf(method));
}

import { FRAME_METHOD, PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { channelOpen } from "../../broker/amqp/methods/channel.ts";
import {
  connectionClose,
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
} from "../../broker/amqp/methods/connection.ts";
import type { Method } from "../../broker/amqp/methods/mod.ts";
import { amqplainResponse, plainResponse } from "../../broker/amqp/sasl.ts";
import type { WireCase } from "../support/harness.ts";
import { frameBytes } from "../support/wire_peer.ts";
import { ending, octets, payloadOf } from "./wire_observe.ts";

/** What a client begins with, and whether the broker goes on. */
const HEADERS: readonly (readonly [name: string, bytes: readonly number[], accepted: boolean])[] = [
  ["AMQP 0-9-1", [...octets("AMQP"), 0, 0, 9, 1], true],
  ["AMQP 0-9", [...octets("AMQP"), 1, 1, 0, 9], true],
  ["AMQP 0-9-0", [...octets("AMQP"), 0, 0, 9, 0], false],
  ["AMQP 0-9-2", [...octets("AMQP"), 0, 0, 9, 2], false],
  ["AMQP 0-10", [...octets("AMQP"), 1, 1, 0, 10], false],
  ["AMQP 1.0", [...octets("AMQP"), 0, 1, 0, 0], false],
  ["AMQP 1.0 with SASL", [...octets("AMQP"), 3, 1, 0, 0], false],
  ["HTTP", octets("GET / HTTP/1.1\r\n\r\n"), false],
  ["TLS", [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], false],
  ["small letters", [...octets("amqp"), 0, 0, 9, 1], false],
];

/** The protocol header. */
export const protocolHeader: readonly WireCase[] = [
  ...HEADERS.map(([name, bytes, accepted]): WireCase => ({
    name: `${name} is ${accepted ? "accepted" : "answered with our own header, and the end"}`,
    async run({ dial }) {
      const peer = await dial();
      await peer.sendBytes(Uint8Array.from(bytes));
      if (accepted) {
        const { versionMajor, versionMinor } = await peer.expect(0, "connection.start");
        return [versionMajor, versionMinor];
      }
      const answer = await peer.expectProtocolHeader();
      await peer.expectEnd();
      return [...answer];
    },
    expect: accepted ? [0, 9] : [...PROTOCOL_HEADER],
  })),
  {
    name: "it may come octet by octet",
    async run({ dial }) {
      const peer = await dial();
      for (const octet of PROTOCOL_HEADER) await peer.sendBytes(Uint8Array.of(octet));
      return (await peer.next())?.method.name;
    },
    expect: "connection.start",
  },
];

/** Limits that a client answers with, and how that ends. */
const TUNINGS: readonly (readonly [
  name: string,
  tune: { readonly channelMax?: number; readonly frameMax?: number; readonly heartbeat?: number },
  expect: unknown,
])[] = [
  ["what was offered", {}, "open"],
  ["frames of 4096", { frameMax: 4096 }, "open"],
  [
    "frames of 4095",
    { frameMax: 4095 },
    notAllowed("frame_max = 4095 is lower than the minimum allowed value (4096)"),
  ],
  [
    "frames of 1",
    { frameMax: 1 },
    notAllowed("frame_max = 1 is lower than the minimum allowed value (4096)"),
  ],
  [
    "frames without a limit",
    { frameMax: 0 },
    notAllowed("frame_max = 0 (no limit) is higher than the maximum allowed value (131072)"),
  ],
  [
    "larger frames than offered",
    { frameMax: 131_073 },
    notAllowed("frame_max = 131073 is higher than the maximum allowed value (131072)"),
  ],
  ["one channel", { channelMax: 1 }, "open"],
  [
    "channels without a limit",
    { channelMax: 0 },
    notAllowed("channel_max = 0 (no limit) is higher than the maximum allowed value (2047)"),
  ],
  [
    "more channels than offered",
    { channelMax: 2048 },
    notAllowed("channel_max = 2048 is higher than the maximum allowed value (2047)"),
  ],
  ["a heartbeat of 65535 seconds", { heartbeat: 65_535 }, "open"],
  ["no heartbeat", { heartbeat: 0 }, "open"],
  [
    "both limits wrong",
    { channelMax: 2048, frameMax: 1 },
    notAllowed("frame_max = 1 is lower than the minimum allowed value (4096)"),
  ],
];

function notAllowed(text: string): unknown {
  return [530, `NOT_ALLOWED - negotiated ${text}`, "connection.tune"];
}

/** Methods out of turn: what is sent, instead of the answer to what, and what is said to it. */
const OUT_OF_TURN: readonly (readonly [
  name: string,
  after: "start" | "tune",
  channel: number,
  method: Method,
  expect: unknown,
])[] = [
  [
    "connection.tune-ok before connection.start-ok",
    "start",
    0,
    connectionTuneOk(),
    outOfTurn("starting", "connection.tune-ok"),
  ],
  [
    "connection.open before connection.start-ok",
    "start",
    0,
    connectionOpen(),
    outOfTurn("starting", "connection.open"),
  ],
  [
    "connection.open before connection.tune-ok",
    "tune",
    0,
    connectionOpen(),
    outOfTurn("tuning", "connection.open"),
  ],
  [
    "connection.start-ok twice",
    "tune",
    0,
    connectionStartOk(),
    outOfTurn("tuning", "connection.start-ok"),
  ],
  [
    "channel.open before the connection is open",
    "tune",
    1,
    channelOpen(),
    outOfTurn("tuning", "channel.open"),
  ],
];

function outOfTurn(state: string, method: string): unknown {
  return [504, `CHANNEL_ERROR - unexpected method in connection state ${state}`, method];
}

/** From the header to the open connection. */
export const handshake: readonly WireCase[] = [
  {
    name: "connection.start names the mechanisms and locales",
    async run({ dial }) {
      const peer = await dial();
      await peer.sendBytes(PROTOCOL_HEADER);
      const { mechanisms, locales } = await peer.expect(0, "connection.start");
      return { mechanisms: mechanisms.split(" ").sort(), locales };
    },
    expect: { mechanisms: ["AMQPLAIN", "PLAIN"], locales: "en_US" },
  },
  {
    name: "connection.start tells about the broker, in this order",
    async run({ dial }) {
      const peer = await dial();
      await peer.sendBytes(PROTOCOL_HEADER);
      const { serverProperties } = await peer.expect(0, "connection.start");
      const { capabilities, product } = serverProperties;
      const names = Object.keys(serverProperties).filter((name) => name !== "warren_version");
      return { names, capabilities: Object.entries(capabilities as FieldTable), product };
    },
    expect: {
      names: [
        "capabilities",
        "cluster_name",
        "copyright",
        "information",
        "platform",
        "product",
        "version",
      ],
      capabilities: [
        ["publisher_confirms", true],
        ["exchange_exchange_bindings", true],
        ["basic.nack", true],
        ["consumer_cancel_notify", true],
        ["connection.blocked", true],
        ["consumer_priorities", true],
        ["authentication_failure_close", true],
        ["per_consumer_qos", true],
        ["direct_reply_to", true],
      ],
      product: "RabbitMQ",
    },
  },
  {
    name: "connection.tune offers limits and a heartbeat",
    async run({ dial }) {
      const peer = await dial();
      await peer.start();
      const { channelMax, frameMax, heartbeat } = await peer.expect(0, "connection.tune");
      return { channelMax, frameMax, heartbeat };
    },
    expect: { channelMax: 2047, frameMax: 131_072, heartbeat: 60 },
  },
  ...TUNINGS.map(([name, tune, expect]): WireCase => ({
    name: `a client may ${expect === "open" ? "" : "not "}want ${name}`,
    async run({ dial }) {
      const peer = await dial();
      await peer.start();
      const offered = await peer.expect(0, "connection.tune");
      await peer.send(0, connectionTuneOk({ ...offered, ...tune }));
      if (expect !== "open") return await ending(peer);
      await peer.send(0, connectionOpen({ virtualHost: "/" }));
      await peer.expect(0, "connection.open-ok");
      return "open";
    },
    expect,
  })),
  {
    name: "a client need not wait for anything but the tuning",
    async run({ dial }) {
      const peer = await dial();
      await peer.start();
      await peer.expect(0, "connection.tune");
      const tuneOk = connectionTuneOk({ channelMax: 5, frameMax: 8192, heartbeat: 0 });
      const open = connectionOpen({ virtualHost: "/" });
      await peer.sendBytes(
        Uint8Array.from([tuneOk, open].flatMap((method) => [
          ...frameBytes(FRAME_METHOD, 0, payloadOf(method)),
        ])),
      );
      return (await peer.next())?.method.name;
    },
    expect: "connection.open-ok",
  },
  ...["nope", ""].map((virtualHost): WireCase => ({
    name: `the vhost "${virtualHost}" is not found`,
    async run({ dial }) {
      const peer = await dial();
      await peer.start();
      await peer.expect(0, "connection.tune");
      await peer.send(0, connectionTuneOk({ channelMax: 5, frameMax: 8192, heartbeat: 0 }));
      await peer.send(0, connectionOpen({ virtualHost }));
      return await ending(peer);
    },
    expect: [530, `NOT_ALLOWED - vhost ${virtualHost} not found`, "connection.open"],
  })),
  ...OUT_OF_TURN.map(([name, after, channel, method, expect]): WireCase => ({
    name: `${name} is out of turn`,
    async run({ dial }) {
      const peer = await dial();
      if (after === "start") {
        await peer.sendBytes(PROTOCOL_HEADER);
        await peer.expect(0, "connection.start");
      } else {
        await peer.start();
        await peer.expect(0, "connection.tune");
      }
      await peer.send(channel, method);
      return await ending(peer);
    },
    expect,
  })),
  ...["start", "tune"].map((after): WireCase => ({
    name: `a client may close after connection.${after}`,
    async run({ dial }) {
      const peer = await dial();
      if (after === "start") {
        await peer.sendBytes(PROTOCOL_HEADER);
        await peer.expect(0, "connection.start");
      } else {
        await peer.start();
        await peer.expect(0, "connection.tune");
      }
      await peer.send(0, connectionClose({ replyCode: 200, replyText: "bye" }));
      return [(await peer.next())?.method.name, (await peer.next())?.method.name];
    },
    expect: ["connection.close-ok", undefined],
  })),
];

const REFUSED = (mechanism: string) =>
  `ACCESS_REFUSED - Login was refused using authentication mechanism ${mechanism}. For details ` +
  "see the broker logfile.";

/** Who gets in, and how the others are told. */
const LOGINS: readonly (readonly [
  name: string,
  mechanism: string,
  response: Uint8Array,
  expect: unknown,
])[] = [
  ["PLAIN", "PLAIN", plainResponse({ username: "guest", password: "guest" }), "in"],
  ["AMQPLAIN", "AMQPLAIN", amqplainResponse({ username: "guest", password: "guest" }), "in"],
  [
    "a wrong password",
    "PLAIN",
    plainResponse({ username: "guest", password: "wrong" }),
    [403, REFUSED("PLAIN"), "none"],
  ],
  [
    "a wrong password by AMQPLAIN",
    "AMQPLAIN",
    amqplainResponse({ username: "guest", password: "wrong" }),
    [403, REFUSED("AMQPLAIN"), "none"],
  ],
  [
    "an unknown user",
    "PLAIN",
    plainResponse({ username: "nobody", password: "guest" }),
    [403, REFUSED("PLAIN"), "none"],
  ],
  [
    "an empty password",
    "PLAIN",
    plainResponse({ username: "guest", password: "" }),
    [403, REFUSED("PLAIN"), "none"],
  ],
  [
    "a response of PLAIN without its parts",
    "PLAIN",
    Uint8Array.from(octets("guest")),
    [403, REFUSED("PLAIN"), "none"],
  ],
  [
    "an empty response of PLAIN",
    "PLAIN",
    new Uint8Array(),
    [403, REFUSED("PLAIN"), "none"],
  ],
  [
    "an identity to act as in PLAIN",
    "PLAIN",
    Uint8Array.from(octets("other\0guest\0guest")),
    [403, REFUSED("PLAIN"), "none"],
  ],
  [
    "AMQPLAIN without a password",
    "AMQPLAIN",
    Uint8Array.from([5, ...octets("LOGIN"), 0x53, 0, 0, 0, 5, ...octets("guest")]),
    [403, REFUSED("AMQPLAIN"), "none"],
  ],
];

/** Logging in. */
export const login: readonly WireCase[] = [
  ...LOGINS.map(([name, mechanism, response, expect]): WireCase => ({
    name: `${name} ${expect === "in" ? "lets one in" : "is refused in so many words"}`,
    async run({ dial }) {
      const peer = await dial();
      await peer.start({ mechanism, response });
      if (expect !== "in") return await ending(peer);
      return (await peer.next())?.method.name === "connection.tune" ? "in" : "out";
    },
    expect,
  })),
  {
    name: "a client that does not understand a refusal is just let go",
    async run({ dial }) {
      const peer = await dial();
      const response = plainResponse({ username: "guest", password: "wrong" });
      await peer.start({ capabilities: {}, response });
      return await ending(peer);
    },
    expect: "the end",
  },
  {
    name: "a mechanism that was not offered is refused",
    async run({ dial }) {
      const peer = await dial();
      await peer.start({ mechanism: "NOPE" });
      return await ending(peer);
    },
    expect: [403, REFUSED("NOPE"), "none"],
  },
];

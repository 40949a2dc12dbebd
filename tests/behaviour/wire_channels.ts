import { FRAME_METHOD } from "../../broker/amqp/constants.ts";
import { accessRequest } from "../../broker/amqp/methods/access.ts";
import {
  basicAck,
  basicCancelOk,
  basicDeliver,
  basicPublish,
  basicQos,
} from "../../broker/amqp/methods/basic.ts";
import {
  channelClose,
  channelCloseOk,
  channelFlow,
  channelFlowOk,
  channelOpen,
} from "../../broker/amqp/methods/channel.ts";
import {
  connectionBlocked,
  connectionClose,
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
} from "../../broker/amqp/methods/connection.ts";
import type { Method } from "../../broker/amqp/methods/mod.ts";
import { queueDeclare, queueDeclareOk } from "../../broker/amqp/methods/queue.ts";
import { txSelectOk } from "../../broker/amqp/methods/tx.ts";
import type { WireCase } from "../support/harness.ts";
import { frameBytes } from "../support/wire_peer.ts";
import { channelEnding, closeSaid, ending, heard, payloadOf } from "./wire_observe.ts";

/** Methods where they do not belong, and how the connection ends. */
const MISPLACED: readonly (readonly [
  name: string,
  channel: number,
  method: Method,
  expect: unknown,
])[] = [
  [
    "channel.open on an open channel",
    1,
    channelOpen(),
    [504, "CHANNEL_ERROR - second 'channel.open' seen", "channel.open"],
  ],
  [
    "a method on a channel that is not open",
    2,
    basicQos(),
    [504, "CHANNEL_ERROR - expected 'channel.open'", "basic.qos"],
  ],
  [
    "a message on a channel that is not open",
    2,
    basicPublish({ routingKey: "nobody" }),
    [504, "CHANNEL_ERROR - expected 'channel.open'", "basic.publish"],
  ],
  [
    "channel.close of a channel that is not open",
    2,
    channelClose(),
    [504, "CHANNEL_ERROR - expected 'channel.open'", "channel.close"],
  ],
  [
    "channel.close-ok of a channel that is not open",
    2,
    channelCloseOk(),
    [504, "CHANNEL_ERROR - expected 'channel.open'", "channel.close-ok"],
  ],
  ["channel.open on channel 0", 0, channelOpen(), onChannelZero("channel.open")],
  ["queue.declare on channel 0", 0, queueDeclare(), onChannelZero("queue.declare")],
  ["basic.qos on channel 0", 0, basicQos(), onChannelZero("basic.qos")],
  ["connection.start-ok again", 0, connectionStartOk(), onChannelZero("connection.start-ok")],
  ["connection.tune-ok again", 0, connectionTuneOk(), onChannelZero("connection.tune-ok")],
  ["connection.blocked", 0, connectionBlocked(), onChannelZero("connection.blocked")],
  ["connection.open again", 0, connectionOpen(), onChannelZero("connection.open")],
  [
    "connection.close on channel 1",
    1,
    connectionClose(),
    unimplemented("connection.close"),
  ],
  ["channel.close-ok of an open channel", 1, channelCloseOk(), unimplemented("channel.close-ok")],
  ["channel.flow-ok", 1, channelFlowOk({ active: true }), unimplemented("channel.flow-ok")],
  ["basic.cancel-ok", 1, basicCancelOk({ consumerTag: "t" }), unimplemented("basic.cancel-ok")],
  ["basic.deliver from a client", 1, basicDeliver(), unimplemented("basic.deliver")],
  ["tx.select-ok from a client", 1, txSelectOk(), unimplemented("tx.select-ok")],
  [
    "queue.declare-ok from a client",
    1,
    queueDeclareOk({ queue: "q" }),
    unimplemented("queue.declare-ok"),
  ],
];

function unimplemented(method: string): unknown {
  return [503, "COMMAND_INVALID - unimplemented method", method];
}

function onChannelZero(method: string): unknown {
  return [504, "CHANNEL_ERROR - unexpected method in connection state running", method];
}

/** Channels and channel 0. */
export const channels: readonly WireCase[] = [
  ...MISPLACED.map(([name, channel, method, expect]): WireCase => ({
    name: `${name} ends the connection`,
    async run({ login }) {
      const peer = await login();
      await peer.send(channel, method);
      return await closeSaid(peer);
    },
    expect,
  })),
  {
    name: "channel.flow is confirmed as it is",
    async run({ login }) {
      const peer = await login();
      await peer.send(1, channelFlow({ active: true }));
      return (await peer.expect(1, "channel.flow-ok")).active;
    },
    expect: true,
  },
  {
    name: "access.request is granted",
    async run({ login }) {
      const peer = await login();
      await peer.send(1, accessRequest({ realm: "/data", active: true }));
      return (await peer.expect(1, "access.request-ok")).ticket;
    },
    expect: 1,
  },
  {
    name: "a number can be used again after close-ok",
    async run({ login }) {
      const peer = await login();
      await peer.send(1, channelClose());
      const closed = await heard(peer, 1);
      await peer.send(1, channelOpen());
      await peer.send(1, basicQos());
      return [closed, await heard(peer, 2)];
    },
    expect: [["1 channel.close-ok"], ["1 channel.open-ok", "1 basic.qos-ok"]],
  },
  {
    name: "what comes on a channel between its close and the client's close-ok is ignored",
    async run({ login, name }) {
      const peer = await login();
      await peer.send(1, queueDeclare({ queue: name("nothing"), passive: true }));
      await peer.send(1, basicQos());
      await peer.send(1, basicPublish(), { body: "unseen" });
      await peer.send(1, basicAck({ deliveryTag: 5 }));
      const refused = await channelEnding(peer);
      await peer.send(1, channelOpen());
      await peer.send(1, basicQos());
      return [refused, await heard(peer, 2)];
    },
    expect: [
      [404, "NOT_FOUND - no queue 'nothing' in vhost '/'", "queue.declare"],
      ["1 channel.open-ok", "1 basic.qos-ok"],
    ],
  },
  {
    name: "when both sides close a channel at once both get a close-ok",
    async run({ login, name }) {
      const peer = await login();
      await peer.send(1, queueDeclare({ queue: name("nothing"), passive: true }));
      await peer.send(1, channelClose());
      const first = await heard(peer, 2);
      await peer.send(1, channelCloseOk());
      await peer.send(1, channelOpen());
      return [first, await heard(peer, 1)];
    },
    expect: [["1 channel.close", "1 channel.close-ok"], ["1 channel.open-ok"]],
  },
  {
    name: "the rest of a content is ignored when its channel is closed meanwhile",
    async run({ login, name }) {
      const peer = await login();
      await peer.send(1, basicPublish({ exchange: name("nowhere") }), {
        body: new Uint8Array(300_000),
      });
      const refused = await channelEnding(peer);
      await peer.send(1, channelOpen());
      return [refused, await heard(peer, 1)];
    },
    expect: [
      [404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'", "basic.publish"],
      ["1 channel.open-ok"],
    ],
  },
  {
    name: "a channel may have a number above the agreed count",
    async run({ login }) {
      const peer = await login({ tune: { channelMax: 10 } });
      await peer.send(65_535, channelOpen());
      return await heard(peer, 1);
    },
    expect: ["65535 channel.open-ok"],
  },
  {
    name: "more channels than agreed on are refused",
    async run({ login }) {
      const peer = await login({ tune: { channelMax: 2 } });
      await peer.send(2, channelOpen());
      await peer.expect(2, "channel.open-ok");
      await peer.send(3, channelOpen());
      return await closeSaid(peer);
    },
    expect: [
      530,
      "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)",
      "channel.open",
    ],
  },
  {
    name: "an error of one channel leaves the others alone",
    async run({ login, name }) {
      const peer = await login();
      await peer.send(2, channelOpen());
      await peer.expect(2, "channel.open-ok");
      await peer.send(1, queueDeclare({ queue: name("nothing"), passive: true }));
      await peer.send(2, basicQos());
      return (await heard(peer, 2)).sort();
    },
    expect: ["1 channel.close", "2 basic.qos-ok"],
  },
];

/** Closing connections. */
export const closing: readonly WireCase[] = [
  {
    name: "connection.close is confirmed",
    async run({ login }) {
      const peer = await login();
      await peer.send(0, connectionClose({ replyCode: 200, replyText: "bye" }));
      return await heard(peer, 1);
    },
    expect: ["0 connection.close-ok"],
  },
  {
    name: "nothing after connection.close counts",
    async run({ login, name, connect }) {
      const peer = await login();
      const queue = name("queue");
      await peer.sendBytes(
        Uint8Array.from([
          ...methodFrame(0, connectionClose({ replyCode: 200, replyText: "bye" })),
          ...methodFrame(1, queueDeclare({ queue })),
        ]),
      );
      await peer.expect(0, "connection.close-ok");
      const channel = await (await connect()).openChannel();
      return await channel.queueDeclare(queue, { passive: true }).then(
        () => "declared",
        () => "not declared",
      );
    },
    expect: "not declared",
  },
  {
    name: "when both sides close at once both get a close-ok",
    async run({ login }) {
      const peer = await login();
      await peer.send(1, channelFlow({ active: false }));
      await peer.expect(0, "connection.close");
      await peer.send(0, connectionClose({ replyCode: 200, replyText: "bye" }));
      return await heard(peer, 1);
    },
    expect: ["0 connection.close-ok"],
  },
  {
    name: "after an error of the connection nothing counts until close-ok",
    async run({ login, name, connect }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, channelFlow({ active: false }));
      await peer.send(1, queueDeclare({ queue }));
      const refused = await ending(peer);
      const channel = await (await connect()).openChannel();
      const left = await channel.queueDeclare(queue, { passive: true }).then(
        () => "declared",
        () => "not declared",
      );
      return [refused, left];
    },
    expect: [[540, "NOT_IMPLEMENTED - active=false", "channel.flow"], "not declared"],
  },
  {
    name: "a socket that is closed without a word takes its exclusive queues with it",
    async run({ login, name, connect }) {
      const peer = await login();
      const queue = name("queue");
      await peer.send(1, queueDeclare({ queue, exclusive: true }));
      await peer.expect(1, "queue.declare-ok");
      peer.close();
      const other = await connect();
      for (;;) {
        const channel = await other.openChannel();
        const error = await channel.queueDeclare(queue, { passive: true }).catch((error) => error);
        if (error.replyCode === 404) return "gone";
      }
    },
    expect: "gone",
  },
];

function methodFrame(channel: number, method: Method): Uint8Array {
  return frameBytes(FRAME_METHOD, channel, payloadOf(method));
}

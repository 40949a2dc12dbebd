/** CloudAMQP's client over WebSocket, as LavinMQ's users have it, on the sockets of `ws`. */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import process from "node:process";
import { play, say, unique, withResolvers } from "./support.mjs";

const require = createRequire(process.env.INTEROP_NODE_PACKAGES);
const url = process.env.AMQP_WS_URL;

async function main() {
  if (url === undefined) return say("this broker has no WebSocket");
  globalThis.WebSocket = require("ws"); // which not every version of Node has
  const { AMQPWebSocketClient } = require("@cloudamqp/amqp-client");

  const client = new AMQPWebSocketClient({ url, frameMax: 8192 });
  const connection = await client.connect();
  const channel = await connection.channel();
  const { name } = await channel.queueDeclare(unique("web"), { autoDelete: true });
  await channel.confirmSelect();

  // bodies of no frame, one frame and many, published and confirmed
  const bodies = ["", "hello", "x".repeat(8184), "y".repeat(8185), "z".repeat(300_000)];
  const properties = { contentType: "text/plain", headers: { n: 1 } };
  await Promise.all(bodies.map((body) => channel.basicPublish("", name, body, properties)));
  const received = [];
  const { promise, resolve } = withResolvers();
  const consumer = await channel.basicConsume(name, { noAck: false }, (message) => {
    received.push(message);
    message.ack();
    if (received.length === bodies.length) resolve();
  });
  await promise;
  assert.deepEqual(received.map((message) => message.bodyString() ?? ""), bodies);
  assert.deepEqual(received[1].properties.headers, { n: 1 });

  // a channel that the broker closes leaves the connection as it is
  const other = await connection.channel();
  await assert.rejects(other.queueDeclare(unique("missing"), { passive: true }), /NOT_FOUND/);
  const { messageCount } = await channel.queueDeclare(name, { passive: true });
  assert.equal(messageCount, 0);
  await channel.basicCancel(consumer.tag);
  await connection.close();

  const stranger = new AMQPWebSocketClient({ url, password: "wrong" });
  await assert.rejects(stranger.connect());

  await speakText();
}

/** A text message ends with the code of what cannot be accepted, and a subprotocol is agreed to. */
async function speakText() {
  const socket = new globalThis.WebSocket(url, ["mqtt", "amqp"]);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await new Promise((resolve) => socket.once("open", resolve));
  assert.equal(socket.protocol, "amqp");
  socket.send("AMQP");
  assert.equal(await closed, 1003);
}

await play(main);

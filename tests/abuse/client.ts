import {
  basicPublish,
  channelOpen,
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
} from "../../broker/amqp/methods/mod.ts";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import { tcpTransport, type Transport } from "../../broker/amqp/transport.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import { RawPeer } from "../support/raw_peer.ts";

/** Connects, and says nothing. */
export async function dial(port: number): Promise<Transport> {
  return tcpTransport(await Deno.connect({ hostname: "127.0.0.1", port }));
}

/** A client that has logged in and opened channel 1. */
export async function logIn(
  port: number,
  { channelMax }: { readonly channelMax?: number } = {},
): Promise<RawPeer> {
  const peer = new RawPeer(await dial(port));
  await peer.sendBytes(PROTOCOL_HEADER);
  await peer.expect(0, "connection.start");
  await peer.send(0, START_OK);
  const tune = await peer.expect(0, "connection.tune");
  const tuned = { ...tune, heartbeat: 0, ...(channelMax === undefined ? {} : { channelMax }) };
  await peer.send(0, connectionTuneOk(tuned));
  await peer.send(0, connectionOpen({ virtualHost: "/" }));
  await peer.expect(0, "connection.open-ok");
  await peer.send(1, channelOpen());
  await peer.expect(1, "channel.open-ok");
  return peer;
}

/** A login as guest. */
export const START_OK = connectionStartOk({
  clientProperties: {},
  mechanism: "PLAIN",
  response: plainResponse({ username: "guest", password: "guest" }),
  locale: "en_US",
});

/** All that a client says up to a channel, without waiting for answers. */
export const BLIND_LOGIN: readonly Uint8Array[] = [
  PROTOCOL_HEADER,
  methodFrame(0, START_OK),
  methodFrame(0, connectionTuneOk({ channelMax: 2047, frameMax: 131_072, heartbeat: 0 })),
  methodFrame(0, connectionOpen({ virtualHost: "/" })),
  methodFrame(1, channelOpen()),
];

/** A publish to a queue on channel 1, frame by frame. */
export function publishFrames(routingKey: string, body: Uint8Array): Uint8Array[] {
  return contentFrames(1, basicPublish({ routingKey }), { routingKey, body }, 131_072);
}

/** Sends all of it. */
export async function send(transport: Transport, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await transport.write(bytes.subarray(at));
}

/** Does something so many times, so many of them at once. */
export async function times(
  count: number,
  atOnce: number,
  action: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, async () => {
    while (next < count) await action(next++);
  }));
}

/** Waits. Abuse is a matter of time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Reads until the other side has closed, and tells how long that took in milliseconds. */
export async function untilClosed(transport: Transport): Promise<number> {
  const started = performance.now();
  const into = new Uint8Array(4096);
  try {
    while (await transport.read(into) !== null);
  } catch {
    // it was reset
  }
  return performance.now() - started;
}

/** What a request of HTTP says who is guest. */
export const AUTHORIZATION = `Authorization: Basic ${btoa("guest:guest")}\r\n`;

/** A text in octets. */
export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * The ears of the cases that speak bytes.
 *
 * @module
 */
import { channelCloseOk } from "../../broker/amqp/methods/channel.ts";
import { connectionCloseOk } from "../../broker/amqp/methods/connection.ts";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { encodeMethod, type Method } from "../../broker/amqp/methods/mod.ts";
import type { WirePeer } from "../support/wire_peer.ts";
import { methodName, type Refusal } from "./observe.ts";

/** How a connection ends: what the broker says, which is confirmed, or just the end of the stream. */
export async function ending(peer: WirePeer): Promise<Refusal | "the end"> {
  for (let next = await peer.next(); next !== undefined; next = await peer.next()) {
    const { method } = next;
    if (method.name !== "connection.close") continue;
    await peer.send(0, connectionCloseOk());
    await peer.expectEnd();
    return [method.replyCode, method.replyText, methodName(method.classId, method.methodId)];
  }
  return "the end";
}

/** As `ending`, without the end, which takes a broker long that has lost the framing. */
export async function closeSaid(peer: WirePeer): Promise<Refusal | "the end"> {
  for (let next = await peer.next(); next !== undefined; next = await peer.next()) {
    const { method } = next;
    if (method.name !== "connection.close") continue;
    return [method.replyCode, method.replyText, methodName(method.classId, method.methodId)];
  }
  return "the end";
}

/** How the broker closes a channel, which is confirmed; or what it says instead. */
export async function channelEnding(peer: WirePeer): Promise<Refusal | string> {
  const next = await peer.next();
  if (next?.method.name !== "channel.close") return described(next);
  const { replyCode, replyText, classId, methodId } = next.method;
  await peer.send(next.channel, channelCloseOk());
  return [replyCode, replyText, methodName(classId, methodId)];
}

/** What comes next, each as `channel method`. */
export async function heard(peer: WirePeer, count: number): Promise<string[]> {
  const methods: string[] = [];
  for (let index = 0; index < count; index++) methods.push(described(await peer.next()));
  return methods;
}

/** What comes up to a method, that one included, each as `channel method`. */
export async function heardUntil(peer: WirePeer, name: Method["name"]): Promise<string[]> {
  const methods: string[] = [];
  for (let next = await peer.next();; next = await peer.next()) {
    methods.push(described(next));
    if (next === undefined || next.method.name === name) return methods;
  }
}

function described(next: { channel: number; method: Method } | undefined): string {
  return next === undefined ? "the end" : `${next.channel} ${next.method.name}`;
}

/** The payload of a method's frame. */
export function payloadOf(method: Method): number[] {
  const writer = new ByteWriter();
  encodeMethod(writer, method);
  return [...writer.written()];
}

/** The payload of a content header: class 60 unless told otherwise. */
export function headerPayload(
  size: number | bigint,
  { classId = 60, weight = 0, rest = [0, 0] }: {
    classId?: number;
    weight?: number;
    rest?: readonly number[];
  } = {},
): number[] {
  const head = new DataView(new ArrayBuffer(12));
  head.setUint16(0, classId);
  head.setUint16(2, weight);
  head.setBigUint64(4, BigInt(size));
  return [...new Uint8Array(head.buffer), ...rest];
}

/** A text as octets. */
export function octets(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

import { concat } from "@std/bytes";
import { tcpTransport, type Transport } from "../../broker/amqp/transport.ts";
import { systemClock } from "../../broker/amqp/clock.ts";
import { encrypt } from "../../client/dial_tls.ts";
import type { RandomValues } from "../amqp/random_values.ts";
import { CA } from "../support/certificates.ts";
import { clientFrame, WebSocketClient } from "../support/websocket_client.ts";

/**
 * The ways on which attackers come: straight, through TLS, in a WebSocket. What is below AMQP there is
 * damaged as well on some connections: records of TLS, the request and the frames of a WebSocket.
 *
 * @module
 */

/** Where a broker is served. */
export interface Ports {
  /** Without anything below AMQP. */
  readonly port: number;
  /** With TLS; undefined: nobody comes that way. */
  readonly tlsPort?: number;
  /** In a WebSocket; likewise. */
  readonly webSocketPort?: number;
  /** How many come on which of them. Default: {@linkcode USUAL_MIX}. */
  readonly mix?: Mix;
}

/** How many of some attackers come on each way. */
export interface Mix {
  readonly tcp: number;
  readonly tls: number;
  readonly websocket: number;
}

/** Most of them have nothing below AMQP that would keep them from it. */
export const USUAL_MIX: Mix = { tcp: 8, tls: 1, websocket: 1 };

/**
 * Reads a mix such as `tcp=8,tls=1,websocket=1`; nobody comes on a way that is not named.
 *
 * @throws {TypeError} When it is none.
 */
export function readMix(text: string): Mix {
  const mix = { tcp: 0, tls: 0, websocket: 0 };
  for (const part of text.split(",")) {
    const [, way, count = "1"] = /^(tcp|tls|websocket)(?:=(\d{1,4}))?$/.exec(part.trim()) ?? [];
    if (way === undefined) {
      throw new TypeError(`Cannot mix: "${part}" is not one of tcp, tls, websocket, or tcp=N`);
    }
    mix[way as keyof Mix] += Number(count);
  }
  if (mix.tcp + mix.tls + mix.websocket === 0) throw new TypeError("Cannot mix: nobody comes");
  return mix;
}

/** One of so many of those is damaged below AMQP. */
const DAMAGED_ONE_OF = 3;
/** A handshake that was damaged may never end. */
const HANDSHAKE_MS = 1000;

/** The way on which an attacker comes: which one it is decides. */
export function wayOf(
  { tlsPort, webSocketPort, mix = USUAL_MIX }: Ports,
  index: number,
): keyof Mix {
  const way = index % (mix.tcp + mix.tls + mix.websocket);
  if (way < mix.tls && tlsPort !== undefined) return "tls";
  const isNext = way >= mix.tls && way < mix.tls + mix.websocket;
  return isNext && webSocketPort !== undefined ? "websocket" : "tcp";
}

/**
 * Connects an attacker; undefined when it was sent away before any AMQP.
 *
 * @param index Which one it is: that decides on its way.
 */
export async function dial(
  ports: Ports,
  random: RandomValues,
  index: number,
): Promise<Transport | undefined> {
  const way = wayOf(ports, index);
  if (way === "tls") return await dialTls(ports.tlsPort!, random);
  if (way === "websocket") return await dialWebSocket(ports.webSocketPort!, random);
  return await dialTcp(ports.port);
}

async function dialTcp(port: number): Promise<Transport> {
  return tcpTransport(await Deno.connect({ hostname: "127.0.0.1", port }));
}

async function dialBelow(port: number, random: RandomValues): Promise<Transport> {
  const transport = await dialTcp(port);
  return random.below(DAMAGED_ONE_OF) === 0 ? damaging(transport, random) : transport;
}

async function dialTls(port: number, random: RandomValues): Promise<Transport | undefined> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), HANDSHAKE_MS);
  try {
    const { signal } = giveUp;
    const below = await dialBelow(port, random);
    return await encrypt(below, "localhost", { ca: CA }, { clock: systemClock, signal });
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

async function dialWebSocket(port: number, random: RandomValues): Promise<Transport | undefined> {
  const below = await dialBelow(port, random);
  const timer = setTimeout(() => below.close(), HANDSHAKE_MS);
  try {
    const client = await WebSocketClient.openOver(below);
    return client.asTransport((bytes) => framesOf(bytes, random));
  } catch {
    below.close();
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes in frames of a WebSocket, as a client may cut them; one of a hundred as no client may. */
function framesOf(bytes: Uint8Array, random: RandomValues): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + random.below(random.pick([20, 3000, 100_000])));
    frames.push(
      clientFrame(bytes.subarray(at, end), {
        opcode: at === 0 ? 2 : 0,
        final: end === bytes.length,
      }),
    );
    at = end;
    // between the frames of a message there may be others
    if (random.below(20) === 0) {
      const payload = random.bytes(125);
      frames.push(clientFrame(payload, { opcode: random.pick([9, 10]) }));
    }
  }
  if (random.below(100) > 0) return frames;
  const payload = random.bytes(200);
  const wrong = random.pick([
    { masked: false },
    { opcode: random.below(16), final: random.boolean() },
    { reserved: 1 + random.below(7) },
    { size: random.pick([0, 125, 65_536, 2 ** 30, 2 ** 40]), sizeBytes: 8 },
    { sizeBytes: 2 },
  ]);
  return frames.toSpliced(random.below(frames.length + 1), 0, clientFrame(payload, wrong));
}

/** A transport that damages what is written sooner or later, once. */
function damaging(transport: Transport, random: RandomValues): Transport {
  let left = random.below(random.pick([500, 5000, 50_000]));
  return {
    peer: transport.peer,
    local: transport.local,
    read: (into) => transport.read(into),
    close: () => transport.close(),
    async write(bytes) {
      if (left < 0 || bytes.length <= left) {
        left -= left < 0 ? 0 : bytes.length;
        return await transport.write(bytes);
      }
      const at = left;
      left = -1;
      const [before, after] = [bytes.subarray(0, at), bytes.slice(at)];
      const damaged = random.pick([
        () => after.subarray(1 + random.below(20)),
        () => concat([random.bytes(20), after]),
        () => concat([after, after]),
        () => {
          after[random.below(after.length)]! ^= 1 << random.below(8);
          return after;
        },
      ])();
      const whole = concat([before, damaged]);
      for (let sent = 0; sent < whole.length;) {
        sent += await transport.write(whole.subarray(sent));
      }
      return bytes.length;
    },
  };
}

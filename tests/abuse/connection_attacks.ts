import { channelOpen } from "../../broker/amqp/methods/mod.ts";
import { concat } from "@std/bytes";
import { methodFrame } from "../amqp/frames.ts";
import { clientHello } from "../net/tls_support.ts";
import {
  BLIND_LOGIN,
  dial,
  logIn,
  pause,
  publishFrames,
  send,
  times,
  untilClosed,
} from "./client.ts";
import { type Attack, HOLD_MS, numbersOf } from "./terms.ts";

/**
 * By connections and channels: many of them, short ones, and those that never get anywhere.
 *
 * @module
 */

/** How much longer than a handshake may take the broker has to end one. */
const HANDSHAKE_SLACK_MS = 2000;

const ZEROS = new Uint8Array(1000);

export const IDLE_CONNECTIONS: Attack = {
  name: "idle connections",
  full: 10_000,
  small: 200,
  growthMax: 400,
  async run({ port }, count) {
    const peers: { close(): void }[] = [];
    await times(count, 50, async () => void peers.push(await logIn(port)));
    await pause(Math.min(HOLD_MS, count));
    for (const peer of peers) peer.close();
    return `${peers.length} logged in`;
  },
  accept: (saw, count) => saw === `${count} logged in`,
};

export const DROPPED_CONNECTIONS: Attack = {
  name: "1000 connections a second opened and dropped",
  full: 10_000,
  small: 500,
  growthMax: 250,
  async run({ port }, count) {
    const started = performance.now();
    const under: Promise<void>[] = [];
    for (let opened = 0; opened < count; opened++) {
      const ahead = opened - (performance.now() - started);
      if (ahead > 5) await pause(ahead);
      under.push(dropOne(port, opened));
    }
    await Promise.all(under);
    const seconds = (performance.now() - started) / 1000;
    return `${count}, ${Math.round(count / seconds)} a second`;
  },
  accept(saw, count) {
    const [opened, rate] = numbersOf(saw, /^(\d+), (\d+) a second$/);
    // a few of them share a process with the broker
    return opened === count && rate! >= (count < 1000 ? 100 : 900);
  },
};

export const MANY_CHANNELS: Attack = {
  name: "a client that opens 65 535 channels",
  full: 65_535,
  small: 3000,
  growthMax: 300,
  options: { channelMax: 65_535 },
  async run({ port }, count) {
    const peer = await logIn(port, { channelMax: 65_535 });
    const opens = Array.from(
      { length: count - 1 },
      (_, at) => methodFrame(at + 2, channelOpen()),
    );
    await peer.sendBytes(concat(opens));
    for (let channel = 2; channel <= count; channel++) {
      await peer.expect(channel, "channel.open-ok");
    }
    await pause(Math.min(HOLD_MS, count / 10));
    peer.close();
    return `${count} open`;
  },
  accept: (saw, count) => saw === `${count} open`,
};

export const SLOW_BYTES: Attack = {
  name: "one byte at a time",
  full: 1000,
  small: 20,
  growthMax: 250,
  byTimeout: true,
  options: { readTimeoutMs: 60_000 },
  async run({ port, allowed }, count) {
    const pauseMs = Math.min(200, allowed.handshakeMs / 8);
    const ended = [0, 0];
    await Promise.all(Array.from({ length: count }, async (_, index) => {
      const transport = await dial(port);
      // every second one has logged in, and publishes for as long as it is let
      const loggedIn = index % 2;
      if (loggedIn === 1) await send(transport, concat(BLIND_LOGIN));
      const bytes = concat(loggedIn === 1 ? publishFrames("q", ZEROS) : BLIND_LOGIN);
      let open = true;
      const closed = untilClosed(transport).then(() => open = false);
      for (let at = 0; open && at < bytes.length; at++) {
        await send(transport, bytes.subarray(at, at + 1)).catch(() => {});
        await pause(pauseMs);
      }
      if (!open) ended[loggedIn]! += 1;
      transport.close();
      await closed;
    }));
    const half = Math.ceil(count / 2);
    return `ended: ${ended[0]} of ${half} who log in so, ${ended[1]} who publish so`;
  },
  accept(saw, count) {
    const half = Math.ceil(count / 2);
    return saw === `ended: ${half} of ${half} who log in so, ${count - half} who publish so`;
  },
};

export const UNFINISHED_TLS: Attack = {
  name: "TLS handshakes that stop half-way",
  full: 3000,
  small: 50,
  growthMax: 300,
  byTimeout: true,
  secure: true,
  async run({ tlsPort, allowed }, count) {
    const hello = await clientHello();
    const transports = [];
    for (let index = 0; index < count; index++) {
      const transport = await dial(tlsPort);
      transports.push(transport);
      // nothing, half of the hello, all of it, and what is none
      const sent = [0, hello.length / 2, hello.length, 0][index % 4]!;
      const bytes = index % 4 === 3 ? new Uint8Array(500).fill(22) : hello.subarray(0, sent);
      await send(transport, bytes).catch(() => {});
      if (index % 100 === 99) await pause(10);
    }
    const held = Promise.withResolvers<number>();
    const holdMs = allowed.handshakeMs + HANDSHAKE_SLACK_MS;
    const timer = setTimeout(() => held.resolve(Infinity), holdMs);
    const closed = transports.map((transport) => untilClosed(transport));
    const times = await Promise.all(closed.map((one) => Promise.race([one, held.promise])));
    clearTimeout(timer);
    for (const transport of transports) transport.close();
    await Promise.all(closed);
    return `${times.filter((ms) => ms < Infinity).length} of ${count} were ended`;
  },
  accept: (saw, count) => saw === `${count} of ${count} were ended`,
};

/** One that goes at once, or after the header, or after it has logged in. */
async function dropOne(port: number, index: number): Promise<void> {
  const transport = await dial(port);
  const login = [[], BLIND_LOGIN.slice(0, 1), BLIND_LOGIN][index % 3]!;
  await send(transport, concat(login)).catch(() => {});
  if (index % 3 === 2) await transport.read(new Uint8Array(1)).catch(() => {});
  transport.close();
}

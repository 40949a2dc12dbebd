import {
  basicConsume,
  channelOpen,
  confirmSelect,
  queueDeclare,
  queueDelete,
} from "../../broker/amqp/methods/mod.ts";
import type { Method } from "../../broker/amqp/methods/mod.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import { concat } from "@std/bytes";
import { frame, methodFrame } from "../amqp/frames.ts";
import { askAndNotRead, guessAndHangUp, sendSlowRequests } from "./http_attacks.ts";
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

/**
 * Clients that cost what they can, each in one way. All of them keep within what a program without a
 * password or with one could send.
 *
 * @module
 */

/** What the broker lets its clients do, as far as it is what ends an attack. */
export interface Allowance {
  /** How long a handshake may take, in milliseconds. */
  readonly handshakeMs: number;
  /** How long the head of a request may take, in milliseconds; no request is given up sooner. */
  readonly httpMs: number;
  /** How many connections of HTTP an address may have. */
  readonly httpConnections: number;
}

/** That of the program, when it is told nothing. */
export const ALLOWED: Allowance = { handshakeMs: 10_000, httpMs: 10_000, httpConnections: 256 };

/** Where the broker is, and what an operator may do with it. */
export interface Victim {
  readonly allowed: Allowance;
  readonly port: number;
  readonly tlsPort: number;
  readonly managementPort: number;
  /** Gives guest a permission to configure; tells `set`, or why not. */
  permit(pattern: string): Promise<string>;
}

/** One way of it. */
export interface Attack {
  /** Its name in the table. */
  readonly name: string;
  /** How much of it is the whole thing; what it counts is the attack's own business. */
  readonly full: number;
  /** How much of it a test of a second or two does. */
  readonly small: number;
  /** What the broker is started with. */
  readonly options?: BrokerOptions;
  /** True when the broker is to have a data directory, as the program has by default. */
  readonly onDisk?: boolean;
  /** True for what an operator does; other attacks run in a process of their own. */
  readonly byOperator?: boolean;
  /** True when the time for a handshake is what ends it; a small one has less of it. */
  readonly byTimeout?: boolean;
  /** The same of the times that HTTP has. */
  readonly byHttpTimeout?: boolean;
  /** True when those that behave come by TLS. */
  readonly secure?: boolean;
  /** Of a broker in a process of its own: how much larger than before it may become meanwhile, in MiB. */
  readonly growthMax: number;
  /** Does it; tells what it saw. */
  run(victim: Victim, count: number): Promise<string>;
  /** True when that is what one has to see: the attack was one, and the broker did what it should. */
  accept(saw: string, count: number, allowed: Allowance): boolean;
}

/** How long what is there stays there, so that it can be felt. */
const HOLD_MS = 3000;
/** And how much longer than a handshake may take the broker has to end one. */
const HANDSHAKE_SLACK_MS = 2000;
/** So much of what waits for a reader the two kernels and the broker hold between them, at most. */
const TAKEN_MIB_MAX = 12;
const BOMBS = ["^(a+)+$", "(a|aa)+$", "^(.*a){20}$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"];

export const ATTACKS: readonly Attack[] = [
  {
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
  },
  {
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
  },
  {
    name: "a reader that never reads, MiB for it",
    full: 1024,
    small: 24,
    growthMax: 600,
    onDisk: true,
    async run({ port }, count) {
      const sleeper = await dial(port);
      const queue = "asleep";
      const peer = await logIn(port);
      await peer.send(1, queueDeclare({ queue }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, confirmSelect());
      await peer.expect(1, "confirm.select-ok");
      const consume = methodFrame(1, basicConsume({ queue, noAck: true }));
      await send(sleeper, concat([...BLIND_LOGIN, consume]));
      const message = concat(publishFrames(queue, new Uint8Array(1024 * 1024)));
      for (let sent = 0; sent < count; sent++) {
        await peer.sendBytes(message);
        await confirmed(peer, sent + 1);
      }
      await pause(Math.min(HOLD_MS, count * 10));
      await peer.send(1, queueDelete({ queue }));
      const { messageCount } = await peer.expect(1, "queue.delete-ok");
      sleeper.close();
      peer.close();
      return `${messageCount} of ${count} MiB still queued`;
    },
    accept(saw, count) {
      const [queued, all] = numbersOf(saw, /^(\d+) of (\d+) MiB still queued$/);
      return all === count && queued! <= count && queued! >= count - TAKEN_MIB_MAX;
    },
  },
  {
    name: "a publisher of 128 MiB bodies",
    full: 16,
    small: 1,
    growthMax: 800,
    async run({ port }, count) {
      const peer = await logIn(port);
      const queue = "large";
      await peer.send(1, queueDeclare({ queue, arguments: { "x-max-length": 1 } }));
      await peer.expect(1, "queue.declare-ok");
      await peer.send(1, confirmSelect());
      await peer.expect(1, "confirm.select-ok");
      const frames = publishFrames(queue, new Uint8Array(128 * 1024 * 1024));
      for (let sent = 0; sent < count; sent++) {
        for (const part of frames) await peer.sendBytes(part);
        await confirmed(peer, sent + 1);
      }
      await peer.send(1, queueDelete({ queue }));
      await peer.expect(1, "queue.delete-ok");
      peer.close();
      return `${count} confirmed`;
    },
    accept: (saw, count) => saw === `${count} confirmed`,
  },
  {
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
  },
  {
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
  },
  {
    name: "tables nested 10 000 deep",
    full: 2000,
    small: 20,
    growthMax: 250,
    async run({ port }, count) {
      const declare = nestedDeclare(10_000);
      let refused = 0;
      await times(count, 20, async () => {
        const peer = await logIn(port);
        await peer.sendBytes(declare);
        const { replyCode } = await peer.expect(0, "connection.close");
        if (replyCode === 502) refused++;
        peer.close();
      });
      return `${refused} of ${count} refused with 502`;
    },
    accept: (saw, count) => saw === `${count} of ${count} refused with 502`,
  },
  {
    name: "regex bombs as permissions",
    full: 2000,
    small: 10,
    growthMax: 150,
    byOperator: true,
    async run({ port, permit }, count) {
      const [peer, name] = [await logIn(port), "a".repeat(254) + "!"];
      let refused = 0;
      for (let index = 0; index < count; index++) {
        const answer = await permit(BOMBS[index % BOMBS.length]!);
        if (answer !== "set") refused++;
        // what was let through must be harmless to whoever it applies to
        else await peer.send(1, queueDelete({ queue: name }));
      }
      for (let index = refused; index < count; index++) await peer.next();
      await permit(".*");
      peer.close();
      return `${refused} of ${count} refused`;
    },
    accept: (saw, count) => saw === `${count} of ${count} refused`,
  },
  {
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
  },
  {
    name: "HTTP requests that come byte by byte, or not at all",
    full: 1000,
    small: 40,
    growthMax: 150,
    byHttpTimeout: true,
    run: ({ managementPort, allowed }, count) =>
      sendSlowRequests(managementPort, count, allowed.httpMs),
    accept(saw, count, { httpConnections }) {
      const stayed = Math.min(count, httpConnections);
      return saw === `${count - stayed} of ${count} refused at once, ${stayed} given up`;
    },
  },
  {
    name: "HTTP clients that do not read long lists",
    full: 200,
    small: 4,
    growthMax: 400,
    byHttpTimeout: true,
    run: ({ port, managementPort, allowed }, count) =>
      askAndNotRead(port, managementPort, count, allowed.httpMs < 1000 ? 7000 : 60_000),
    accept: (saw, count) => saw === `${count} of ${count} given up`,
  },
  {
    name: "password guesses of clients that hang up",
    full: 5000,
    small: 200,
    growthMax: 250,
    options: { passwordHashing: "rabbitmq-sha256" },
    run: ({ port, managementPort }, count) => guessAndHangUp(port, managementPort, count),
    accept(saw, count) {
      const [looked, all, seconds] = numbersOf(
        saw,
        /^(\d+) of (\d+) guesses looked at in (\d+\.\d) s$/,
      );
      // three cost nothing; each from the fourth on keeps the next one waiting, twice as long as the one
      // before
      const most = 5 + Math.log2(1 + (seconds! + 0.1) / 0.25);
      return all === count && looked! > 0 && looked! <= most;
    },
  },
];

const ZEROS = new Uint8Array(1000);

/** The numbers in a text; none when it is another one. */
function numbersOf(text: string, pattern: RegExp): number[] {
  return pattern.exec(text)?.slice(1).map(Number) ?? [];
}

/** One that goes at once, or after the header, or after it has logged in. */
async function dropOne(port: number, index: number): Promise<void> {
  const transport = await dial(port);
  const login = [[], BLIND_LOGIN.slice(0, 1), BLIND_LOGIN][index % 3]!;
  await send(transport, concat(login)).catch(() => {});
  if (index % 3 === 2) await transport.read(new Uint8Array(1)).catch(() => {});
  transport.close();
}

/** Waits until so many publishes are confirmed; whatever else comes is not looked at. */
async function confirmed(
  peer: { next(): Promise<{ readonly method: Method } | undefined> },
  count: number,
): Promise<void> {
  while (true) {
    const method = (await peer.next())?.method;
    if (method === undefined) throw new Error("Cannot go on: the connection has ended");
    if (method.name === "basic.ack" && method.deliveryTag >= count) return;
  }
}

/** `queue.declare` whose arguments are tables in tables. */
export function nestedDeclare(depth: number): Uint8Array {
  // a name of one letter, F, and the size of what is inside
  const size = 7 * (depth - 1);
  const table = new Uint8Array(4 + size);
  const view = new DataView(table.buffer);
  view.setUint32(0, size);
  for (let level = 1; level < depth; level++) {
    const at = 7 * level - 3;
    table.set([1, 0x74, 0x46], at);
    view.setUint32(at + 3, size - 7 * level);
  }
  const head = [0, 50, 0, 10, 0, 0, 1, 0x71, 0];
  return frame(1, 1, concat([Uint8Array.from(head), table]));
}

import { concat } from "@std/bytes";
import { queueDeclare } from "../../broker/amqp/methods/mod.ts";
import type { Transport } from "../../broker/amqp/transport.ts";
import { methodFrame } from "../amqp/frames.ts";
import { AUTHORIZATION, dial, encode, logIn, pause, send, untilClosed } from "./client.ts";
import { type Attack, numbersOf, type Victim } from "./terms.ts";

/**
 * By HTTP, on the port of the management API: requests that come slowly, and answers that
 * nobody reads.
 *
 * @module
 */

/** No request is let to take as long. */
const HOLD_MS = 140_000;
/** A list of so many queues is more than what the two kernels hold between them. */
const QUEUES = 20_000;
/** So many lists a user gets at once, while others wait for their turn: when the time is up, so many may have
 * had their turn for so short a time that they are not given up. */
const IN_TURN = 4;

export const SLOW_REQUESTS: Attack = {
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
};

export const UNREAD_LISTS: Attack = {
  name: "HTTP clients that do not read long lists",
  full: 200,
  small: 4,
  growthMax: 400,
  byHttpTimeout: true,
  run: (victim, count) =>
    askAndNotRead(victim, count, Math.min(60_000, 14 * victim.allowed.httpMs)),
  accept(saw, count) {
    const [givenUp, all] = numbersOf(saw, /^(\d+) of (\d+) given up$/);
    const late = count > IN_TURN ? IN_TURN : 0;
    return all === count && givenUp! >= count - late && givenUp! <= count;
  },
};

/**
 * Requests that take for ever: nothing, a head, or a body, octet by octet.
 *
 * @param timeoutMs So long the broker waits at least; whoever goes clearly sooner was refused.
 */
async function sendSlowRequests(
  port: number,
  count: number,
  timeoutMs: number,
): Promise<string> {
  // of a type that is read, or it would be answered at once
  const head = "POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n" +
    "Content-Type: application/x-www-form-urlencoded\r\n";
  let [refused, ended] = [0, 0];
  await Promise.all(Array.from({ length: count }, async (_, index) => {
    const transport = await dial(port);
    let open = true;
    const closed = untilClosed(transport).then((ms) => {
      open = false;
      // the broker may have begun to count before this end knew
      if (ms < 0.7 * timeoutMs) refused++;
      else if (ms < HOLD_MS) ended++;
    });
    const way = index % 3;
    if (way === 1) await send(transport, encode(head)).catch(() => {});
    if (way === 2) await send(transport, encode(`${head}\r\n`)).catch(() => {});
    while (open && way > 0) {
      await send(transport, encode("a")).catch(() => {});
      await pause(100);
    }
    await closed;
    transport.close();
  }));
  return `${refused} of ${count} refused at once, ${ended} given up`;
}

/**
 * Asks for all queues, many times, and reads no answer until it should have been given up.
 *
 * @param holdMs By then it should.
 */
async function askAndNotRead(
  { port, managementPort }: Victim,
  count: number,
  holdMs: number,
): Promise<string> {
  const peer = await logIn(port);
  for (let index = 0; index < QUEUES; index += 100) {
    const declares = Array.from({ length: 100 }, (_, more) => {
      const noWait = more < 99;
      return methodFrame(1, queueDeclare({ queue: `${index + more}`, exclusive: true, noWait }));
    });
    await peer.sendBytes(concat(declares));
    await peer.expect(1, "queue.declare-ok");
  }
  const get = encode(
    `GET /api/queues HTTP/1.1\r\nHost: localhost\r\n${AUTHORIZATION}Connection: close\r\n\r\n`,
  );
  const transports = [];
  for (let index = 0; index < count; index++) {
    const transport = await dial(managementPort);
    transports.push(transport);
    await send(transport, get);
  }
  await pause(holdMs);
  let givenUp = 0;
  for (const transport of transports) {
    if (!(await tailOf(transport)).endsWith("\r\n0\r\n\r\n")) givenUp++;
    transport.close();
  }
  peer.close();
  return `${givenUp} of ${count} given up`;
}

/** The end of what comes until the other side closes. */
async function tailOf(transport: Transport): Promise<string> {
  const into = new Uint8Array(64 * 1024);
  let tail = "";
  try {
    for (let count; (count = await transport.read(into)) !== null;) {
      tail = (tail + new TextDecoder().decode(into.subarray(Math.max(0, count - 16), count)))
        .slice(-16);
    }
  } catch {
    // it was reset
  }
  return tail;
}

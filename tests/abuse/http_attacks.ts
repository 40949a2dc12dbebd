import { concat } from "@std/bytes";
import { connectionStartOk, queueDeclare } from "../../broker/amqp/methods/mod.ts";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import type { Transport } from "../../broker/amqp/transport.ts";
import { methodFrame } from "../amqp/frames.ts";
import { dial, logIn, pause, send, times, untilClosed } from "./client.ts";

/**
 * What is done to the management API, or found out by it.
 *
 * @module
 */

const AUTHORIZATION = `Authorization: Basic ${btoa("guest:guest")}\r\n`;
/** No request is let to take as long. */
const HOLD_MS = 140_000;
/** A list of so many queues is more than what the two kernels hold between them. */
const QUEUES = 20_000;

const encode = (text: string) => new TextEncoder().encode(text);

/**
 * Requests that take for ever: nothing, a head, or a body, octet by octet.
 *
 * @param timeoutMs So long the broker waits at least; whoever goes clearly sooner was refused.
 */
export async function sendSlowRequests(
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
export async function askAndNotRead(
  port: number,
  managementPort: number,
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

/** Guesses a password, and does not wait for the news. */
export async function guessAndHangUp(
  port: number,
  managementPort: number,
  count: number,
): Promise<string> {
  const user = encode(JSON.stringify({ password: "secret", tags: "" }));
  const put = `PUT /api/users/ann HTTP/1.1\r\nHost: localhost\r\n${AUTHORIZATION}` +
    `Content-Type: application/json\r\nContent-Length: ${user.length}\r\nConnection: close\r\n\r\n`;
  const asking = await dial(managementPort);
  await send(asking, concat([encode(put), user]));
  await untilClosed(asking);
  asking.close();
  const started = performance.now();
  await times(count, 50, async (index) => {
    const transport = await dial(port);
    const response = plainResponse({ username: "ann", password: `guess ${index}` });
    const startOk = connectionStartOk({
      clientProperties: {},
      mechanism: "PLAIN",
      response,
      locale: "en_US",
    });
    await send(transport, concat([PROTOCOL_HEADER, methodFrame(0, startOk)])).catch(() => {});
    // what it says first; what it thinks of the guess is not waited for
    await transport.read(new Uint8Array(1024)).catch(() => {});
    transport.close();
  });
  const seconds = (performance.now() - started) / 1000;
  const looked = await failedLogins(managementPort);
  return `${looked} of ${count} guesses looked at in ${seconds.toFixed(1)} s`;
}

/** How many logins over AMQP were refused so far. */
async function failedLogins(port: number): Promise<number> {
  const headers = { authorization: `Basic ${btoa("guest:guest")}` };
  const url = `http://127.0.0.1:${port}/api/auth/attempts/warren@localhost`;
  const attempts = await (await fetch(url, { headers })).json() as readonly {
    readonly protocol: string;
    readonly auth_attempts_failed: number;
  }[];
  return attempts.find(({ protocol }) => protocol === "amqp091")!.auth_attempts_failed;
}

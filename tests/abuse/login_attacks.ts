import { concat } from "@std/bytes";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import { connectionStartOk } from "../../broker/amqp/methods/mod.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import { methodFrame } from "../amqp/frames.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { AUTHORIZATION, dial, encode, send, untilClosed } from "./client.ts";
import { type Attack, numbersOf } from "./terms.ts";

/**
 * By guessing passwords.
 *
 * @module
 */

export const PASSWORD_GUESSES: Attack = {
  name: "password guesses of clients that hang up",
  full: 5000,
  small: 200,
  growthMax: 250,
  options: { passwordHashing: "rabbitmq-sha256" },
  run: ({ port, managementPort }, count) => guessAndHangUp(port, managementPort, count),
  accept(saw, count) {
    const [counted, all, seconds, entered, right] = numbersOf(
      saw,
      /^(\d+) of (\d+) guesses counted in (\d+\.\d) s, (\d+) of (\d+) right ones let in$/,
    );
    // three cost nothing; each from the fourth on keeps the next one waiting, twice as long as the one
    // before, and when that is over a right one may have its turn, and the next before a wrong one comes
    const turns = 1 + Math.log2(1 + (seconds! + 0.1) / 0.25);
    return all! >= count && counted! >= all! - right! && counted! + entered! <= all! &&
      right === RIGHT && entered! <= 3 + 2 * turns;
  },
};

/** So many of the guesses are right, one after the other. */
const RIGHT = 30;
/** So long whoever guesses right waits for the news, in milliseconds: it comes at once, or in its turn. */
const NEWS_MS = 20;

/** Guesses the password of somebody who has come in with it before, and does not wait for the news. */
async function guessAndHangUp(
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
  const ann = await tryToEnter(port, "secret");
  const answer = await ann.next();
  ann.close();
  const already = await failedLogins(managementPort);
  if (answer?.method.name !== "connection.tune") return "ann does not come in with her password";
  const started = performance.now();
  let [all, right, entered] = [0, 0, 0];
  const guessRight = async () => {
    for (; right < RIGHT; right++) {
      all++;
      const peer = await tryToEnter(port, "secret");
      const timer = setTimeout(() => peer.close(), NEWS_MS);
      const news = await peer.next().catch(() => undefined);
      clearTimeout(timer);
      if (news?.method.name === "connection.tune") entered++;
      peer.close();
    }
  };
  const guessWrong = async () => {
    while (all < count || right < RIGHT) (await tryToEnter(port, `guess ${all++}`)).close();
  };
  await Promise.all([guessRight(), ...Array.from({ length: 20 }, guessWrong)]);
  const seconds = (performance.now() - started) / 1000;
  // those that have hung up are counted as soon as that is seen
  let counted = 0;
  for (let asked = 0; asked < 100 && counted + entered < all; asked++) {
    counted = await failedLogins(managementPort) - already;
  }
  return `${counted} of ${all} guesses counted in ${seconds.toFixed(1)} s, ` +
    `${entered} of ${right} right ones let in`;
}

/** Shows a password of ann's, and waits for no more than what the broker says first. */
async function tryToEnter(port: number, password: string): Promise<RawPeer> {
  const peer = new RawPeer(await dial(port));
  const startOk = connectionStartOk({
    clientProperties: {},
    mechanism: "PLAIN",
    response: plainResponse({ username: "ann", password }),
    locale: "en_US",
  });
  await peer.sendBytes(concat([PROTOCOL_HEADER, methodFrame(0, startOk)])).catch(() => {});
  await peer.next().catch(() => {});
  return peer;
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

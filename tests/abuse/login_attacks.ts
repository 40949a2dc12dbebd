import { concat } from "@std/bytes";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import { connectionStartOk } from "../../broker/amqp/methods/mod.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import { methodFrame } from "../amqp/frames.ts";
import { AUTHORIZATION, dial, encode, send, times, untilClosed } from "./client.ts";
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
    const [looked, all, seconds] = numbersOf(
      saw,
      /^(\d+) of (\d+) guesses looked at in (\d+\.\d) s$/,
    );
    // three cost nothing; each from the fourth on keeps the next one waiting, twice as long as the one
    // before
    const most = 5 + Math.log2(1 + (seconds! + 0.1) / 0.25);
    return all === count && looked! > 0 && looked! <= most;
  },
};

/** Guesses a password, and does not wait for the news. */
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

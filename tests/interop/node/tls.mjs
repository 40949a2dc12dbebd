/** TLS by Node: certificates of both ends, right and wrong, and EXTERNAL. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { amqp, collect, play, unique } from "./support.mjs";

const port = Number(process.env.AMQP_TLS_PORT);
const strictPort = process.env.AMQP_TLS_STRICT_PORT;
const read = (file) => readFileSync(`${process.env.INTEROP_CERTIFICATES}/${file}`);
const ca = read("ca.pem");
const of = (client) => ({ ca, cert: read(`${client}.pem`), key: read(`${client}.key`) });

function connect(options, where = {}) {
  return amqp.connect({ protocol: "amqps", hostname: "localhost", port, ...where }, options);
}

function external(options, where) {
  return connect({ ...options, credentials: amqp.credentials.external() }, where);
}

async function main() {
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    await exchangeMessages(await connect({ ca, minVersion: version, maxVersion: version }));
  }

  // our certificate is asked for, and one that is wrong keeps us out
  await exchangeMessages(await connect(of("ann")));
  const reasons = { stranger: /signed by nobody who is trusted/, late: /has expired/ };
  for (const [client, why] of Object.entries(reasons)) {
    const before = await log();
    await assert.rejects(connect(of(client)));
    await logged(before, why);
  }

  // theirs is looked at
  await assert.rejects(connect({}), { code: "SELF_SIGNED_CERT_IN_CHAIN" });
  await assert.rejects(connect({ ca: read("other-ca.pem") }), {
    code: "SELF_SIGNED_CERT_IN_CHAIN",
  });
  await assert.rejects(connect({ ca, servername: "elsewhere.example" }), {
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
  });

  // the certificate says who logs in
  await exchangeMessages(await external(of("guest")));
  await assert.rejects(external(of("ann")), /Login was refused using .* EXTERNAL/);
  await assert.rejects(external({ ca }));

  if (strictPort !== undefined) {
    const where = { port: Number(strictPort) };
    await assert.rejects(connect({ ca }, where), /certificate required|ECONNRESET|closed/);
    await exchangeMessages(await external(of("guest"), where));
  }
}

/** What the broker has written; nothing of one whose log cannot be had. */
async function log() {
  return await (await fetch(`${process.env.INTEROP_CONTROL_URL}log`)).text();
}

/** Why it is over, the broker alone says: TLS 1.3 has been agreed on when it looks. */
async function logged(before, why) {
  if (before === "") return;
  for (const until = Date.now() + 60_000; !why.test((await log()).slice(before.length));) {
    assert(Date.now() < until, `${why} in the log`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function exchangeMessages(connection) {
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue(unique("tls"), { exclusive: true });
  const bodies = [0, 5, 20_000, 3_000_000].map((size) => randomBytes(size));
  for (const body of bodies) channel.sendToQueue(queue, body);
  await channel.waitForConfirms();
  const messages = await collect(channel, queue, bodies.length, { noAck: true });
  assert.deepEqual(messages.map(({ content }) => content), bodies);
  await connection.close();
}

await play(main);

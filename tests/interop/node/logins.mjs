/** PLAIN and AMQPLAIN let guest in; a wrong password and an unknown vhost keep anybody out. */

import assert from "node:assert/strict";
import process from "node:process";
import { amqp, connect, play, unique } from "./support.mjs";

async function main() {
  const { plain, amqplain } = amqp.credentials;
  for (const credentials of [plain("guest", "guest"), amqplain("guest", "guest")]) {
    await (await connect({}, { credentials })).close();
  }
  await (await amqp.connect(process.env.AMQP_URL)).close();
  for (const credentials of [plain("guest", "wrong"), amqplain("guest", "wrong")]) {
    const refused = `Login was refused using authentication mechanism ${credentials.mechanism}.`;
    await assert.rejects(connect({}, { credentials }), ({ message }) => message.includes(refused));
  }
  // of an unknown vhost the library does not tell the reason
  const vhost = unique("nowhere");
  await assert.rejects(connect({ vhost }), /Expected ConnectionOpenOk; got <ConnectionClose/);
}

await play(main);

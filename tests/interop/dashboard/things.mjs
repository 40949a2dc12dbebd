/** Looks at the page of one of each thing while messages flow, and closes a connection. */

import assert from "node:assert/strict";
import { ask, connect, eventually, walk } from "./support.mjs";

const VHOST = "dashboard things";
const AT = encodeURIComponent(VHOST);

await walk(VHOST, async (visitor) => {
  const { connection, channel } = await connect(VHOST);
  await channel.assertExchange("fan", "fanout");
  await channel.assertQueue("one");
  await channel.bindQueue("one", "fan", "");
  await channel.consume("one", (message) => channel.ack(message), { consumerTag: "worker" });
  const load = setInterval(() => {
    for (let index = 0; index < 20; index++) channel.publish("fan", "key", Buffer.from("load"));
  }, 100);
  try {
    await lookAround(visitor);
  } finally {
    clearInterval(load);
  }
  await closeChannel(visitor, connection);
  await close(visitor, connection);
});

/** One of each thing. */
async function lookAround(visitor) {
  const { page } = visitor;
  await visitor.go(`#/queues/${AT}/one`, "one");
  await page.getByRole("link", { name: /^worker guest/ }).waitFor();
  await visitor.inspect("queue");
  await visitor.go(`#/exchanges/${AT}/fan`, "fan");
  await page.getByRole("link", { name: /^one classic/ }).waitFor();
  await visitor.inspect("exchange");
  await page.getByRole("link", { name: /^worker guest/ }).click();
  await page.getByRole("rowheader", { name: "worker" }).waitFor();
  await page.getByRole("figure").filter({ hasText: "Message rates" }).waitFor();
  await visitor.inspect("channel");
  await visitor.visit("Connections");
  await page.getByRole("link", { name: "walker" }).click();
  await page.getByRole("heading", { level: 2, name: "The client says" }).waitFor();
  const traffic = page.getByRole("figure").filter({ hasText: "Traffic" });
  await eventually(async () => {
    assert.match(await traffic.innerText(), /Received [\d.]+ (B|KiB)\/s/);
    assert.doesNotMatch(await traffic.innerText(), /Received 0 B/);
  });
  await visitor.inspect("connection");
}

/** One channel from its page: its connection goes on. */
async function closeChannel(visitor, connection) {
  const channel = await connection.createChannel();
  const told = new Promise((resolve) => channel.once("error", resolve));
  const channels = await ask("GET", `/vhosts/${AT}/channels`);
  const { name } = channels.find(({ consumer_count: consumers }) => consumers === 0);
  await visitor.go(`#/channels/${encodeURIComponent(name)}`, name);
  await visitor.click("Close");
  await visitor.fill("Close", { Reason: "does not get on" });
  assert.match(`${await told}`, /406 .*does not get on/);
  await visitor.heading(name.replace(/ \(\d+\)$/, ""));
  // what was closed may have been asked for once more
  visitor.assertNoComplaints(/404/);
}

/** From its page, and with a reason that its client is told. */
async function close(visitor, connection) {
  const told = new Promise((resolve) => connection.once("close", resolve));
  await visitor.click("Close");
  await visitor.fill("Close", { Reason: "a test is over" });
  assert.match(`${await told}`, /320 .*a test is over/);
  await visitor.heading("Connections");
  // what was closed may have been asked for once more
  visitor.assertNoComplaints(/404/);
}

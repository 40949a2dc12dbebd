/** The drawing of bindings, with few of them and with thousands, by keyboard. */

import assert from "node:assert/strict";
import { ask, connect, eventually, walk } from "./support.mjs";

const VHOST = "dashboard topology";
const AT = encodeURIComponent(VHOST);
const QUEUES = 300;
const KEYS = 10;

await walk(VHOST, async (visitor) => {
  const { connection, channel } = await connect(VHOST);
  await small(visitor, channel);
  await makeThousands(channel);
  await large(visitor);
  await list(visitor);
  await connection.close();
});

/** From an exchange to a queue to a consumer, and on to their pages, without a pointer. */
async function small(visitor, channel) {
  const { page } = visitor;
  await visitor.visit("Topology");
  await visitor.sees("No exchange is bound to anything.");
  await channel.assertExchange("orders", "topic");
  await channel.assertExchange("events", "fanout");
  await channel.assertQueue("billing");
  await channel.assertQueue("mail");
  await channel.bindExchange("events", "orders", "#");
  await channel.bindQueue("billing", "orders", "order.*");
  await channel.bindQueue("billing", "orders", "refund.*");
  await channel.bindQueue("mail", "events", "");
  await channel.consume("mail", () => {}, { consumerTag: "postman" });
  await page.reload();
  await page.getByRole("link", { name: /^orders topic exchange/ }).waitFor();
  await visitor.sees(/order\.\* \+1/);
  await visitor.inspect("topology");
  await page.getByRole("region", { name: /^Exchanges, queues/ }).focus();
  await page.keyboard.press("Tab");
  const path = [
    ["Home", /^orders/],
    ["ArrowRight", /^events/],
    ["ArrowRight", /^mail/],
    ["ArrowRight", /^postman/],
    ["ArrowLeft", /^mail/],
    ["ArrowDown", /^billing/],
    ["ArrowUp", /^mail/],
    ["ArrowLeft", /^events/],
    ["ArrowRight", /^mail/],
  ];
  for (const [key, expected] of path) {
    await page.keyboard.press(key);
    assert.match(await visitor.focused(), expected, key);
  }
  // what the message passes stands out
  assert.equal(await page.locator(".edge.followed").count(), 3);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.getByRole("rowheader", { name: "postman" }).waitFor();
  await page.goBack();
  await visitor.heading("Topology");
  await page.getByRole("link", { name: /^mail classic/ }).focus();
  await page.keyboard.press("Enter");
  await visitor.heading("mail");
  // numbers change under the focus, which stays
  await visitor.visit("Topology");
  const link = page.getByRole("link", { name: /^billing classic/ });
  await link.focus();
  channel.publish("orders", "order.paid", Buffer.from("x"));
  await eventually(async () => assert.match(await link.textContent(), /1 message/));
  assert.match(await visitor.focused(), /^billing/);
}

async function makeThousands(channel) {
  await channel.assertExchange("everybody", "topic");
  for (let index = 0; index < QUEUES; index++) {
    await channel.assertQueue(`crowd.${index}`);
    const keys = Array.from({ length: KEYS }, (_, key) => `k.${index}.${key}`);
    await Promise.all(keys.map((key) => channel.bindQueue(`crowd.${index}`, "everybody", key)));
  }
  const { filtered_count } = await ask("GET", `/bindings/${AT}?default=false&page=1&page_size=1`);
  assert.equal(filtered_count, QUEUES * KEYS + 4);
}

/** Step by step: what is too much is folded, and unfolds by keys, buttons and search. */
async function large(visitor) {
  const { page } = visitor;
  await page.reload();
  const everybody = page.getByRole("link", { name: /^everybody topic exchange/ });
  await everybody.waitFor();
  await visitor.sees("+3,000");
  const nodes = page.locator(".graph a");
  const before = await nodes.count();
  await everybody.focus();
  await page.keyboard.press("ArrowRight");
  await visitor.sees("+2,980");
  assert.match(await visitor.focused(), /^everybody/);
  await page.keyboard.press("ArrowRight");
  assert.match(await visitor.focused(), /^crowd\./);
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("+");
  await visitor.sees("+2,960");
  assert.equal(await nodes.count(), before + 40 / KEYS);
  await visitor.inspect("topology-large");
  await page.getByRole("button", { name: /^\+2,960 more after everybody/ }).click();
  await visitor.sees("+2,940");
  await everybody.focus();
  await page.keyboard.press("-");
  await visitor.sees("+3,000");
  await eventually(async () => assert.equal(await nodes.count(), before));
  const search = page.getByRole("searchbox", { name: "Find by name or routing key" });
  await search.fill("k.217.3");
  await page.getByRole("link", { name: /^crowd\.217 classic/ }).waitFor();
  await eventually(async () => assert.equal(await nodes.count(), 2));
  await search.fill("crowd.");
  await visitor.sees("2,940 more bindings");
  await visitor.click("Show more");
  await visitor.sees("2,880 more bindings");
  await search.fill("nothing has this");
  await visitor.sees("No binding has that in it.");
}

/** For those to whom a drawing says nothing. */
async function list(visitor) {
  const { page } = visitor;
  await page.getByRole("radio", { name: "List" }).focus();
  await page.keyboard.press("Space");
  const rows = page.getByRole("table", { name: `Bindings in ${VHOST}` }).getByRole("rowheader");
  await eventually(async () => assert.equal(await rows.count(), 50));
  await visitor.sees("3,004 in all");
  await visitor.inspect("topology-list");
  await page.getByRole("navigation", { name: /^Pages of Bindings/ })
    .getByRole("button", { name: "Next" }).click();
  await visitor.sees("Page 2 of 61");
  await page.getByRole("searchbox", { name: /^Filter by name or key/ }).fill("refund");
  await visitor.sees("1 of 3,004");
  await visitor.click("Unbind orders and billing");
  await visitor.fill("Delete", {});
  await visitor.sees("Nothing matches the filter.");
  const left = await ask("GET", `/bindings/${AT}/e/orders/q/billing`);
  assert.deepEqual(left.map(({ routing_key }) => routing_key), ["order.*"]);
}

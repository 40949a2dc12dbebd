/** What the page does to messages, as a client sees it in the broker. */

import assert from "node:assert/strict";
import { ask, connect, eventually, holdAnswers, Visitor, walk } from "./support.mjs";

const VHOST = "dashboard messages";
const AT = encodeURIComponent(VHOST);

await walk(VHOST, async (visitor) => {
  const { connection, channel } = await connect(VHOST);
  await channel.assertQueue("one");
  await channel.assertQueue("two");
  await channel.assertExchange("fan", "fanout");
  await channel.bindQueue("one", "fan", "");
  for (let index = 0; index < 45; index++) {
    channel.publish("fan", "k", Buffer.from(`body ${index}`), { headers: { tenant: "acme" } });
  }
  await holds(channel, "one", 45);
  await browse(visitor, channel);
  await deleteAndMove(visitor, channel);
  await get(visitor, channel);
  await purge(visitor, channel);
  await delay(visitor, channel);
  await trace(visitor, channel);
  await connection.close();
});

/** What a queue holds, once it does. */
async function holds(channel, queue, count) {
  await eventually(async () => {
    assert.equal((await channel.checkQueue(queue)).messageCount, count);
  });
}

/** Page by page; nothing is taken, and nothing marked. */
async function browse(visitor, channel) {
  const { page } = visitor;
  await visitor.go(`#/queues/${AT}/one`, "one");
  const messages = page.locator("details.message");
  const pager = page.getByRole("navigation", { name: "Pages of messages" });
  const bodies = async () =>
    (await messages.allInnerTexts()).map((text) => Number(/body (\d+)/.exec(text)[1]));
  const expect = async (first, last) => {
    await visitor.sees(`${first + 1} to ${last}`);
    const wanted = Array.from({ length: last - first }, (_, index) => first + index);
    await eventually(async () => assert.deepEqual(await bodies(), wanted));
  };
  await expect(0, 20);
  await messages.first().locator("summary").click();
  await visitor.sees("acme");
  await visitor.inspect("queue-messages");
  await pager.getByRole("button", { name: "Next" }).click();
  await expect(20, 40);
  await pager.getByRole("button", { name: "Next" }).click();
  await expect(40, 45);
  assert.equal(await pager.getByRole("button", { name: "Next" }).isDisabled(), true);
  await pager.getByRole("button", { name: "Previous" }).click();
  await expect(20, 40);
  // who clicks twice is where one click leads, and a look that fails leaves all as it was
  const addresses = `**/api/queues/${AT}/one/messages?*`;
  const answered = await holdAnswers(page, addresses);
  const turn = (name) => pager.getByRole("button", { name }).click();
  for (let clicks = 0; clicks < 2; clicks++) await turn("Previous");
  await answered();
  await expect(0, 20);
  const body = JSON.stringify({ reason: "No luck" });
  await page.route(addresses, (route) => route.fulfill({ status: 500, body }));
  await turn("Next");
  await visitor.sees(/No luck/);
  await page.unroute(addresses);
  visitor.assertNoComplaints(/500/);
  await turn("Next");
  await expect(20, 40);
  await turn("Previous");
  await expect(0, 20);
  const { message_stats: stats } = await ask("GET", `/queues/${AT}/one`);
  assert.deepEqual([stats.deliver_get, stats.redeliver], [0, 0]);
  const first = await channel.get("one");
  assert.deepEqual([`${first.content}`, first.fields.redelivered], ["body 0", false]);
  channel.nack(first);
  await holds(channel, "one", 45);
}

/** One message each, and no other. */
async function deleteAndMove(visitor, channel) {
  const { page } = visitor;
  const messages = page.locator("details.message");
  // what is opened before the answer comes stays so, also where something changes
  const answered = await holdAnswers(page, `**/api/queues/${AT}/one/messages?*`);
  await visitor.click("Refresh");
  await answered.asked;
  for (const index of [0, 1]) await messages.nth(index).locator("summary").click();
  const second = await messages.nth(1).elementHandle();
  await answered();
  await eventually(async () => {
    assert.match(await messages.first().textContent(), /Redelivered\s*yes/);
  });
  assert.deepEqual(await messages.evaluateAll((all) => all.map(({ open }) => open)), [
    ...[true, true],
    ...Array(18).fill(false),
  ]);
  assert.equal(await second.evaluate((element) => element.isConnected), true);
  await messages.first().locator("summary").click();
  await visitor.click("Delete", messages.nth(1));
  await visitor.fill("Delete", {});
  await eventually(async () => assert.match(await messages.nth(1).innerText(), /body 2\b/));
  await messages.nth(1).locator("summary").click();
  await visitor.click("Move", messages.nth(1));
  await visitor.send("Move", { "Routing key": "nowhere" });
  await visitor.sees("None was moved: no queue took it, or it has gone.");
  await visitor.fill("Move", { "Routing key": "two" });
  await eventually(async () => assert.match(await messages.nth(1).innerText(), /body 3\b/));
  await holds(channel, "one", 43);
  const moved = await channel.get("two", { noAck: true });
  assert.deepEqual([`${moved.content}`, moved.properties.headers.tenant], ["body 2", "acme"]);
  const bodies = [];
  for (let index = 0; index < 3; index++) {
    bodies.push(`${(await channel.get("one", { noAck: true })).content}`);
  }
  assert.deepEqual(bodies, ["body 0", "body 3", "body 4"]);
}

/** As a client gets them: one is put back and marked, another is gone. */
async function get(visitor, channel) {
  const { page } = visitor;
  const got = page.locator("section").filter({
    has: page.getByRole("heading", { name: "Messages got" }),
  });
  const list = page.locator("section").filter({
    has: page.getByRole("heading", { name: "Messages", exact: true }),
  });
  await visitor.click("Get", list);
  await visitor.fill("Get", { "How many": "1", "What becomes of them": "Nack, requeue" });
  await eventually(async () => assert.match(await got.innerText(), /body 5\b/));
  await visitor.click("Get", list);
  await visitor.fill("Get", { "How many": "2", "What becomes of them": "Ack, remove" });
  await eventually(async () => assert.match(await got.innerText(), /body 6\b/));
  await got.locator("summary").first().click();
  await visitor.sees("yes");
  await visitor.inspect("queue-got");
  await holds(channel, "one", 38);
  assert.equal(`${(await channel.get("one", { noAck: true })).content}`, "body 7");
}

async function purge(visitor, channel) {
  await visitor.click("Purge");
  await visitor.fill("Purge", {});
  await visitor.sees("No messages.");
  await holds(channel, "one", 0);
}

/** Of three that are held back one is cancelled, one goes out early, and one stays. */
async function delay(visitor, channel) {
  const { page } = visitor;
  await visitor.visit("Exchanges");
  await visitor.click("New exchange");
  await visitor.fill("Declare", {
    Name: "later",
    Type: "x-delayed-message",
    Arguments: '{"x-delayed-type": "direct"}',
  });
  await channel.bindQueue("two", "later", "two");
  for (const minutes of [10, 20, 30]) {
    const headers = { "x-delay": minutes * 60_000 };
    channel.publish("later", "two", Buffer.from(`in ${minutes}`), { headers });
  }
  await page.getByRole("link", { name: "later", exact: true }).click();
  const cancels = page.getByRole("button", { name: "Cancel", exact: true });
  await eventually(async () => assert.equal(await cancels.count(), 3));
  await visitor.inspect("delayed");
  await cancels.first().click();
  await visitor.fill("Cancel message", {});
  await eventually(async () => assert.equal(await cancels.count(), 2));
  await visitor.click("Publish now");
  await eventually(async () => assert.equal(await cancels.count(), 1));
  await holds(channel, "two", 1);
  assert.equal(`${(await channel.get("two", { noAck: true })).content}`, "in 20");
  const left = await ask("GET", `/exchanges/${AT}/later/delayed`);
  assert.equal(left.length, 1);
  assert.ok(left[0].due_at - Date.now() > 25 * 60_000);
}

/** Messages through one exchange, as they go by; others are not shown, and nothing is left behind. */
async function trace(visitor, channel) {
  const { page } = visitor;
  const isOn = async () => (await ask("GET", `/vhosts/${AT}`)).tracing;
  await visitor.visit("Trace");
  await page.getByLabel("Exchange", { exact: true }).fill("fan");
  await visitor.click("Start");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  assert.equal(await isOn(), true);
  channel.publish("later", "two", Buffer.from("another way"));
  channel.publish("fan", "seen", Buffer.from("by the way"), { headers: { tenant: "globex" } });
  const messages = page.locator("details.message");
  await messages.first().waitFor();
  await messages.first().locator("summary").click();
  const text = await messages.first().innerText();
  for (const part of ["published", "fan", "seen", "by the way", "globex", "To queues", "one"]) {
    assert.ok(text.includes(part), `${part} is not in ${text}`);
  }
  await visitor.sees("1 seen");
  await visitor.inspect("trace");
  await visitor.click("Stop");
  await page.getByRole("button", { name: "Start" }).waitFor();
  assert.equal(await isOn(), false);
  // with deliveries; and whoever leaves the page stops as well
  await page.getByLabel("Exchange", { exact: true }).fill("fan");
  await page.getByLabel("Deliveries too").check();
  await visitor.click("Start");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  // by another exchange, and so none of those
  channel.sendToQueue("two", Buffer.from("from elsewhere"));
  await eventually(async () => assert.notEqual(await channel.get("two", { noAck: true }), false));
  channel.publish("fan", "", Buffer.from("to a reader"));
  await eventually(async () => assert.notEqual(await channel.get("one", { noAck: true }), false));
  const told = async () => (await messages.allInnerTexts()).join("\n");
  await eventually(async () => assert.match(await told(), /delivered/));
  assert.doesNotMatch(await told(), /default/);
  // more than the page takes, and more than wait for it
  for (let index = 0; index < 3000; index++) channel.publish("fan", "many", Buffer.from("m"));
  await visitor.sees(/\d seen, [\d,.\s]+ more came faster than they can be shown/);
  await twoPages(visitor, isOn);
  await stoppedWhileTaking(visitor);
  await goneByItself(visitor, isOn);
  await visitor.click("Start");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  await visitor.visit("Queues");
  await eventually(async () => assert.equal(await isOn(), false));
  await eventually(async () => {
    const queues = await ask("GET", `/queues/${AT}?columns=name`);
    assert.deepEqual(queues.map(({ name }) => name).sort(), ["one", "two"]);
  });
}

/** What is being taken when it is stopped finds its queue: nothing is complained of. */
async function stoppedWhileTaking({ page }) {
  const answered = await holdAnswers(page, "**/dashboard.trace.*/get");
  await answered.asked;
  const removed = page.waitForResponse((response) => response.request().method() === "DELETE");
  await page.getByRole("button", { name: "Stop" }).click();
  await Promise.race([removed, page.waitForTimeout(500)]);
  await answered();
  await removed;
  await page.getByRole("button", { name: "Start" }).waitFor();
}

/** One whose queue is gone has ended, and the firehose with it. */
async function goneByItself(visitor, isOn) {
  const { page } = visitor;
  visitor.assertNoComplaints();
  await visitor.click("Start");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  const queues = await ask("GET", `/queues/${AT}?columns=name`);
  const { name } = queues.find(({ name }) => name.startsWith("dashboard.trace."));
  await ask("DELETE", `/queues/${AT}/${name}`);
  await visitor.sees(/The trace has ended/);
  await page.getByRole("button", { name: "Start" }).waitFor();
  await eventually(async () => assert.equal(await isOn(), false));
  visitor.assertNoComplaints(/404/);
}

/** Whoever stops first does not stop the other. */
async function twoPages(visitor, isOn) {
  const other = await Visitor.open();
  try {
    await other.enter(VHOST);
    await other.visit("Trace");
    await other.click("Start");
    await other.page.getByRole("button", { name: "Stop" }).waitFor();
    await visitor.click("Stop");
    await visitor.page.getByRole("button", { name: "Start" }).waitFor();
    assert.equal(await isOn(), true);
    await visitor.click("Start");
    await visitor.page.getByRole("button", { name: "Stop" }).waitFor();
    await other.visit("Queues");
    await eventually(async () => {
      const queues = await ask("GET", `/queues/${AT}?columns=name`);
      assert.equal(queues.filter(({ name }) => name.startsWith("dashboard.trace.")).length, 1);
    });
    assert.equal(await isOn(), true);
    other.assertNoComplaints();
  } finally {
    await other.close();
  }
}

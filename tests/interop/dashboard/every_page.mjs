/** Clicks through every page of the dashboard while messages flow. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect, eventually, origin, served, Visitor } from "./support.mjs";

const VHOST = "dashboard test/é";

if (served) {
  const visitor = await Visitor.open();
  try {
    await walk(visitor);
  } catch (error) {
    const said = await visitor.page.locator("body").innerText().catch(() => "");
    throw new Error(`${error.stack}\nThe page says:\n${said}`);
  } finally {
    await visitor.close();
  }
}

async function walk(visitor) {
  await logIn(visitor);
  await makeVhost(visitor);
  await makeQueues(visitor);
  await bindAndPublish(visitor);
  await browse(visitor);
  await delay(visitor);
  const { connection, channel } = await connect(VHOST);
  const closed = new Promise((resolve) => connection.once("close", resolve));
  await channel.consume("one", (message) => channel.ack(message), { consumerTag: "worker" });
  const load = setInterval(() => {
    for (let index = 0; index < 20; index++) channel.publish("fan", "key", Buffer.from("load"));
  }, 100);
  try {
    await watchCharts(visitor);
    await trace(visitor);
    await follow(visitor);
  } finally {
    clearInterval(load);
  }
  await visitor.click("Close");
  await visitor.fill("Close", {});
  await closed;
  // what was closed may have been asked for once more
  visitor.assertNoComplaints(/404/);
  await policies(visitor);
  await users(visitor);
  await definitions(visitor);
  await keyboard(visitor);
  await cleanUp(visitor);
}

async function logIn(visitor) {
  const { page } = visitor;
  await page.goto(origin);
  await visitor.inspect("login");
  await page.getByLabel("User").fill("guest");
  await page.getByLabel("Password").fill("wrong");
  await visitor.click("Log in");
  await visitor.sees("Name or password is wrong.");
  visitor.assertNoComplaints(/401/);
  await page.getByLabel("Password").fill("guest");
  await visitor.click("Log in");
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  // who is logged in stays so for this tab
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  assert.equal(page.url(), `${origin}/`);
}

async function makeVhost(visitor) {
  const { page } = visitor;
  await visitor.visit("Virtual hosts");
  await visitor.click("New virtual host");
  await visitor.fill("Add", { Name: VHOST, Description: "of a test" });
  await visitor.sees("of a test");
  await visitor.inspect("vhosts");
  await visitor.visit("Users");
  await page.getByRole("link", { name: "guest" }).click();
  await visitor.click("Set permissions");
  await visitor.fill("Save", { "Virtual host": VHOST });
  await page.getByRole("rowheader", { name: VHOST }).waitFor();
  await visitor.inspect("user");
  await page.getByLabel("Virtual host", { exact: true }).selectOption({ label: VHOST });
}

async function makeQueues(visitor) {
  const { page } = visitor;
  await visitor.visit("Queues");
  await visitor.sees(/There are no queues here yet/);
  for (const [name, given] of [["one", '{"x-max-length": 100000}'], ["two", ""]]) {
    await visitor.click("New queue");
    await visitor.fill("Declare", { Name: name, Arguments: given });
    await page.getByRole("link", { name, exact: true }).waitFor();
  }
  await visitor.click("New queue");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("bad");
  await dialog.getByLabel("Arguments").fill("{nonsense");
  await dialog.getByRole("button", { name: "Declare" }).click();
  await visitor.sees("Arguments: this is not JSON.");
  await visitor.inspect("form");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("searchbox").fill("TW");
  await page.getByRole("link", { name: "one", exact: true }).waitFor({ state: "detached" });
  await page.getByRole("searchbox").fill("");
  await page.getByRole("link", { name: "one", exact: true }).waitFor();
  await visitor.inspect("queues");
}

async function bindAndPublish(visitor) {
  const { page } = visitor;
  await visitor.visit("Exchanges");
  await visitor.click("New exchange");
  await visitor.fill("Declare", { Name: "fan", Type: "fanout" });
  await page.getByRole("link", { name: "fan", exact: true }).click();
  await visitor.click("Bind");
  await visitor.fill("Bind", { "Its name": "one", "Routing key": "k" });
  await page.getByRole("link", { name: "queue one", exact: true }).waitFor();
  await visitor.click("Publish");
  await visitor.fill("Publish", { Body: '{"n": 0}', Headers: '{"tenant": "acme"}' });
  await visitor.sees("The message was published.");
  const { connection, channel } = await connect(VHOST);
  for (let index = 1; index < 30; index++) {
    channel.publish("fan", "k", Buffer.from(`body ${index}`));
  }
  await eventually(async () => {
    assert.equal((await channel.checkQueue("one")).messageCount, 30);
  });
  await connection.close();
}

/** Nothing is taken and nothing marked by looking; what is deleted and moved is one message. */
async function browse(visitor) {
  const { page } = visitor;
  await visitor.visit("Queues");
  await page.getByRole("link", { name: "one", exact: true }).click();
  const messages = page.locator("details.message");
  await eventually(async () => assert.equal(await messages.count(), 20));
  await messages.first().locator("summary").click();
  await visitor.sees("acme");
  await visitor.inspect("queue");
  const pager = page.getByRole("navigation", { name: "Pages of messages" });
  await pager.getByRole("button", { name: "Next" }).click();
  await eventually(async () => assert.equal(await messages.count(), 10));
  await visitor.sees("21 to 30");
  await pager.getByRole("button", { name: "Previous" }).click();
  await visitor.sees("1 to 20");
  await messages.first().locator("summary").click();
  await visitor.click("Delete", messages.first());
  await visitor.fill("Delete", {});
  await eventually(async () => assert.match(await messages.first().innerText(), /body 1\b/));
  await messages.first().locator("summary").click();
  await visitor.click("Move", messages.first());
  await visitor.fill("Move", { "Routing key": "two" });
  await eventually(async () => assert.match(await messages.first().innerText(), /body 2\b/));
  const { connection, channel } = await connect(VHOST);
  assert.equal((await channel.checkQueue("one")).messageCount, 28);
  const moved = await channel.get("two");
  assert.equal(`${moved.content}`, "body 1");
  const seen = await channel.get("one");
  assert.deepEqual([`${seen.content}`, seen.fields.redelivered], ["body 2", false]);
  await connection.close();
  await visitor.click("Purge");
  await visitor.fill("Purge", {});
  await visitor.sees("No messages.");
}

async function delay(visitor) {
  const { page } = visitor;
  await visitor.visit("Exchanges");
  await visitor.click("New exchange");
  await visitor.fill("Declare", {
    Name: "later",
    Type: "x-delayed-message",
    Arguments: '{"x-delayed-type": "direct"}',
  });
  await page.getByRole("link", { name: "later", exact: true }).click();
  for (const delay of [600_000, 700_000]) {
    await visitor.click("Publish");
    await visitor.fill("Publish", { "Routing key": "two", Headers: `{"x-delay": ${delay}}` });
  }
  const cancels = page.getByRole("button", { name: "Cancel", exact: true });
  await eventually(async () => assert.equal(await cancels.count(), 2));
  await visitor.inspect("delayed");
  await cancels.first().click();
  await visitor.fill("Cancel message", {});
  await eventually(async () => assert.equal(await cancels.count(), 1));
  await visitor.click("Publish now");
  await visitor.sees("Nothing is held back.");
}

async function watchCharts(visitor) {
  await visitor.visit("Overview");
  const chart = visitor.page.getByRole("figure").filter({ hasText: "Message rates" });
  const published = async () =>
    Number(/Publish ([\d.,]+)/.exec(await chart.innerText())[1].replace(",", ""));
  await eventually(async () => assert.ok(await published() > 20));
  const before = await visitor.chartPixels("Message rates");
  await eventually(async () => {
    assert.notEqual(await visitor.chartPixels("Message rates"), before);
  });
  await visitor.inspect("overview");
  for (const range of ["10 min", "1 h", "24 h"]) {
    await visitor.page.getByText(range, { exact: true }).click();
    await eventually(async () => {
      assert.notEqual(await visitor.chartPixels("Messages waiting"), "");
    });
  }
  const theme = visitor.page.getByLabel("Theme");
  const ground = () => visitor.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await theme.selectOption("dark");
  assert.notEqual(await ground(), light);
  await visitor.page.reload();
  await visitor.page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  assert.notEqual(await ground(), light);
  await theme.selectOption("");
  assert.equal(await ground(), light);
}

async function trace(visitor) {
  const { page } = visitor;
  await visitor.visit("Trace");
  await page.getByLabel("Exchange", { exact: true }).fill("fan");
  await visitor.click("Start");
  await page.locator("details.message").first().waitFor();
  await page.locator("details.message summary").first().click();
  await visitor.inspect("trace");
  await visitor.click("Stop");
  await page.getByRole("button", { name: "Start" }).waitFor();
  await visitor.visit("Virtual hosts");
  const row = page.getByRole("row").filter({ hasText: "of a test" });
  await eventually(async () => assert.match(await row.innerText(), /\boff\b/));
  await visitor.visit("Queues");
  await page.getByRole("link", { name: "one", exact: true }).waitFor();
  assert.equal(await page.getByRole("link", { name: /^dashboard\.trace/ }).count(), 0);
}

/** From an exchange to a queue to a consumer. */
async function follow(visitor) {
  const { page } = visitor;
  await visitor.visit("Topology");
  await page.getByRole("link", { name: /^fan .*exchange/ }).waitFor();
  await visitor.inspect("topology");
  await page.getByRole("link", { name: /^fan .*exchange/ }).click();
  await page.getByRole("heading", { level: 1, name: "fan" }).waitFor();
  await page.getByRole("link", { name: /^one classic/ }).waitFor();
  await visitor.inspect("exchange");
  await page.getByRole("link", { name: /^one classic/ }).click();
  await page.getByRole("heading", { level: 1, name: "one" }).waitFor();
  await page.getByRole("link", { name: /^worker guest/ }).click();
  await page.getByRole("rowheader", { name: "worker" }).waitFor();
  await visitor.inspect("connection");
  await visitor.visit("Channels");
  await page.getByRole("rowheader").first().waitFor();
  await visitor.inspect("channels");
  await visitor.visit("Connections");
  const link = page.getByRole("link", { name: "walker" });
  await link.waitFor();
  await visitor.inspect("connections");
  await link.click();
  await page.getByRole("heading", { level: 2, name: "The client says" }).waitFor();
}

async function policies(visitor) {
  const { page } = visitor;
  await visitor.visit("Policies");
  await visitor.click("New policy");
  await visitor.fill("Save", {
    Name: "short",
    "Pattern of names": "^two$",
    Definition: '{"max-length": 7}',
  });
  await visitor.sees('{"max-length":7}');
  await visitor.click("New operator policy");
  await visitor.fill("Save", {
    Name: "limit",
    "Pattern of names": ".*",
    "Applies to": "queues",
    Definition: '{"max-length": 5000}',
  });
  await visitor.sees('{"max-length":5000}');
  await visitor.inspect("policies");
  for (const name of ["short", "limit"]) {
    await visitor.click(`Delete ${name}`);
    await visitor.fill("Delete", {});
    await page.getByRole("rowheader", { name }).waitFor({ state: "detached" });
  }
}

async function users(visitor) {
  const { page } = visitor;
  await visitor.visit("Users");
  await visitor.click("New user");
  await visitor.fill("Save", { Name: "visitor", Password: "secret", Tags: "monitoring" });
  await page.getByRole("link", { name: "visitor" }).waitFor();
  await visitor.inspect("users");
  await visitor.click("Edit visitor");
  await visitor.fill("Save", { Tags: "management, policymaker" });
  await visitor.sees("management, policymaker");
  await visitor.click("Delete visitor");
  await visitor.fill("Delete", {});
  await page.getByRole("link", { name: "visitor" }).waitFor({ state: "detached" });
}

async function definitions(visitor) {
  const { page } = visitor;
  await visitor.visit("Definitions");
  await visitor.sees(/2 queues/);
  await visitor.inspect("definitions");
  const [download] = await Promise.all([page.waitForEvent("download"), visitor.click("Download")]);
  const text = await readFile(await download.path(), "utf8");
  const told = JSON.parse(text);
  assert.deepEqual(told.queues.map(({ name }) => name).sort(), ["one", "two"]);
  told.queues.push({ ...told.queues[0], name: "three" });
  const file = {
    name: "d.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(told)),
  };
  await page.getByLabel(/^File/).setInputFiles(file);
  await visitor.click("Upload");
  await visitor.sees("The definitions are in force.");
  await visitor.sees(/3 queues/);
}

/** Past the menu, and through a table, without a pointer. */
async function keyboard(visitor) {
  const { page } = visitor;
  await visitor.visit("Queues");
  await page.getByRole("link", { name: "three", exact: true }).waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await page.reload();
  await page.getByRole("link", { name: "three", exact: true }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  const head = page.getByRole("columnheader", { name: "Name" });
  await head.getByRole("button").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  await eventually(async () => {
    const names = await page.locator("tbody th").allInnerTexts();
    assert.deepEqual(names, ["two", "three", "one"]);
  });
  // the focus stays where it is while rows change
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Name/);
  await page.getByRole("link", { name: "three", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "three" }).waitFor();
  await visitor.click("Delete");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await visitor.click("Delete");
  await visitor.fill("Delete", {});
  await page.getByRole("heading", { level: 1, name: "Queues" }).waitFor();
}

async function cleanUp(visitor) {
  const { page } = visitor;
  await visitor.visit("Virtual hosts");
  await visitor.click(`Delete ${VHOST}`);
  await visitor.fill("Delete", {});
  await page.getByRole("rowheader", { name: VHOST }).waitFor({ state: "detached" });
  const chosen = page.getByLabel("Virtual host", { exact: true });
  await visitor.visit("Queues");
  await eventually(async () => assert.equal(await chosen.inputValue(), ""));
  visitor.assertNoComplaints(/404/);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Password").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("warren.login")), null);
  visitor.assertNoComplaints();
}

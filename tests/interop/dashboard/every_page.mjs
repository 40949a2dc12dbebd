/** Looks at every page of the dashboard while messages flow: nothing keeps anybody out of any. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { ask, connect, eventually, origin, served, Visitor, walk } from "./support.mjs";

const VHOST = "dashboard test/é";
const AT = encodeURIComponent(VHOST);

if (served) await logInAndOut();
await walk(VHOST, async (visitor) => {
  await makeQueues(visitor);
  await bindAndPublish(visitor);
  const { connection, channel } = await connect(VHOST);
  await channel.consume("one", (message) => channel.ack(message), { consumerTag: "worker" });
  const load = setInterval(() => {
    for (let index = 0; index < 20; index++) channel.publish("fan", "key", Buffer.from("load"));
  }, 100);
  try {
    await watchCharts(visitor);
    await lookAround(visitor);
    await close(visitor, connection);
  } finally {
    clearInterval(load);
  }
  await definitions(visitor);
});

async function logInAndOut() {
  const visitor = await Visitor.open();
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
  await visitor.heading("Overview");
  // who is logged in stays so for this tab
  await page.reload();
  await visitor.heading("Overview");
  assert.equal(page.url(), `${origin}/`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Password").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("warren.login")), null);
  visitor.assertNoComplaints();
  await visitor.close();
}

async function makeQueues(visitor) {
  const { page } = visitor;
  await visitor.visit("Queues");
  await visitor.sees(/There are no queues here yet/);
  await visitor.inspect("queues-empty");
  for (const [name, given] of [["one", '{"x-max-length": 100000}'], ["two", ""]]) {
    await visitor.click("New queue");
    await visitor.fill("Declare", { Name: name, Arguments: given });
    await page.getByRole("link", { name, exact: true }).waitFor();
  }
  await visitor.click("New queue");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("bad");
  await dialog.getByRole("button", { name: "Add x-message-ttl" }).click();
  await dialog.getByRole("button", { name: "Add x-max-length", exact: true }).click();
  assert.deepEqual(JSON.parse(await dialog.getByLabel("Arguments").inputValue()), {
    "x-message-ttl": 60000,
    "x-max-length": 10000,
  });
  await dialog.getByLabel("Arguments").fill("{nonsense");
  await dialog.getByRole("button", { name: "Declare" }).click();
  await visitor.sees("Arguments: this is not JSON.");
  await visitor.inspect("form");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("searchbox").fill("TW");
  await page.getByRole("link", { name: "one", exact: true }).waitFor({ state: "detached" });
  await page.getByRole("searchbox").fill("nothing like it");
  await visitor.sees("Nothing matches the filter.");
  await page.getByRole("searchbox").fill("");
  await page.getByRole("link", { name: "one", exact: true }).waitFor();
}

async function bindAndPublish(visitor) {
  const { page } = visitor;
  await visitor.visit("Exchanges");
  await visitor.click("New exchange");
  await visitor.fill("Declare", { Name: "fan", Type: "fanout" });
  await page.getByRole("link", { name: "fan", exact: true }).click();
  for (const name of ["one", "two"]) {
    await visitor.click("Bind");
    await visitor.fill("Bind", { "Its name": name, "Routing key": "k" });
    await page.getByRole("link", { name: `queue ${name}`, exact: true }).waitFor();
  }
  await visitor.click("Publish");
  await visitor.fill("Publish", { Body: '{"n": 0}', Headers: '{"tenant": "acme"}' });
  await visitor.sees("The message was published.");
  await visitor.click("Unbind fan and two");
  await visitor.fill("Delete", {});
  await page.getByRole("link", { name: "queue two", exact: true }).waitFor({ state: "detached" });
  const { connection, channel } = await connect(VHOST);
  const message = await channel.get("one");
  assert.deepEqual([`${message.content}`, message.properties.headers], ['{"n": 0}', {
    tenant: "acme",
  }]);
  channel.ack(message);
  await connection.close();
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
  for (const table of ["Messages of the whole broker", "What comes and goes", "Ports"]) {
    await eventually(async () => {
      const rows = visitor.page.getByRole("table", { name: table }).getByRole("rowheader");
      assert.ok(await rows.count() > 0, table);
    });
  }
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
  await visitor.heading("Overview");
  assert.notEqual(await ground(), light);
  await theme.selectOption("");
  assert.equal(await ground(), light);
}

/** All lists, and one of each thing. */
async function lookAround(visitor) {
  const { page } = visitor;
  const lists = ["Queues", "Exchanges", "Connections", "Channels", "Virtual hosts", "Users"];
  for (const title of lists) {
    await visitor.visit(title);
    await page.getByRole("rowheader").first().waitFor();
    await visitor.inspect(title.toLowerCase().replace(" ", "-"));
  }
  await page.getByRole("link", { name: "guest", exact: true }).click();
  await page.getByRole("link", { name: VHOST }).waitFor();
  await visitor.inspect("user");
  await visitor.visit("Trace");
  await visitor.inspect("trace-idle");
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

/** From its page, and with a reason that its client is told. */
async function close(visitor, connection) {
  const told = new Promise((resolve) => connection.once("error", resolve));
  await visitor.click("Close");
  await visitor.fill("Close", { Reason: "a test is over" });
  assert.match(`${await told}`, /CONNECTION-FORCED|320.*a test is over/);
  assert.match(`${await told}`, /a test is over/);
  await visitor.heading("Connections");
  // what was closed may have been asked for once more
  visitor.assertNoComplaints(/404/);
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
  assert.equal((await ask("GET", `/queues/${AT}/three`)).name, "three");
}

/** Logging in, the overview while messages flow, and definitions. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { ask, connect, eventually, origin, served, Visitor, walk } from "./support.mjs";

const VHOST = "dashboard overview";
const AT = encodeURIComponent(VHOST);

if (served) await logInAndOut();
await walk(VHOST, async (visitor) => {
  const { connection, channel } = await connect(VHOST);
  for (const queue of ["one", "two"]) await channel.assertQueue(queue);
  await channel.consume("one", (message) => channel.ack(message));
  const load = setInterval(() => {
    for (let index = 0; index < 20; index++) channel.sendToQueue("one", Buffer.from("load"));
  }, 100);
  try {
    await watchCharts(visitor);
    await compareCharts(visitor);
  } finally {
    clearInterval(load);
  }
  // what was is drawn as long as it is not too long ago, but it goes on no more
  await eventually(async () => assert.match(await rates(visitor), /Publish 0\/s/));
  assert.ok(await visitor.chartHeight("Message rates") > 0.5);
  await definitions(visitor);
  await connection.close();
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

/** The legend of the chart of rates. */
async function rates(visitor) {
  return await visitor.page.getByRole("figure").filter({ hasText: "Message rates" }).innerText();
}

/** The chart of a queue that messages go through moves; that of one beside it is drawn as often, and does
 * not. */
async function compareCharts(visitor) {
  const redrawn = async () => {
    const before = await visitor.chartPixels("Message rates");
    await eventually(async () => {
      assert.notEqual(await visitor.chartPixels("Message rates"), before);
    });
  };
  await visitor.go(`#/queues/${AT}/two`, "two");
  for (let time = 0; time < 4; time++) {
    await redrawn();
    const height = await visitor.chartHeight("Message rates");
    // at most a line on its lower edge, above the times
    assert.ok(height < 0.2, `a chart without load goes up to ${height}`);
    if (time > 1) assert.match(await rates(visitor), /Publish 0\/s\s+Deliver 0\/s\s+Ack 0\/s/);
  }
  await visitor.go(`#/queues/${AT}/one`, "one");
  await eventually(async () => {
    assert.match(await rates(visitor), /Publish [1-9]/);
    const height = await visitor.chartHeight("Message rates");
    assert.ok(height > 0.5, `a chart under load goes up to ${height}`);
  });
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
    const before = await visitor.chartPixels("Messages waiting");
    await visitor.page.getByText(range, { exact: true }).click();
    await eventually(async () => {
      const drawn = await visitor.chartPixels("Messages waiting");
      assert.notEqual(drawn, await visitor.blankPixels("Messages waiting"), range);
      assert.notEqual(drawn, before, range);
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

/** The main ways through the page without a pointer, and where the focus is meanwhile. */

import assert from "node:assert/strict";
import { ask, connect, eventually, walk } from "./support.mjs";

const VHOST = "dashboard keyboard";
const AT = encodeURIComponent(VHOST);

await walk(VHOST, async (visitor) => {
  const { connection, channel } = await connect(VHOST);
  for (const name of ["one", "two", "three"]) await channel.assertQueue(name);
  await skip(visitor);
  await sort(visitor);
  await declare(visitor);
  await publishAndDelete(visitor, channel);
  await everythingIsSeen(visitor);
  await connection.close();
});

/** Presses Tab until something has the focus. */
async function tabTo(visitor, name) {
  const { keyboard } = visitor.page;
  // what is still loading comes in a later round
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await visitor.focused() === name) return;
    await keyboard.press("Tab");
  }
  throw new Error(`Tab never leads to ${name}`);
}

/** Past the menu. */
async function skip(visitor) {
  const { page } = visitor;
  await visitor.visit("Queues");
  await page.reload();
  await page.getByRole("link", { name: "three", exact: true }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await visitor.focused(), "Skip to content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
}

async function sort(visitor) {
  const { page } = visitor;
  const head = page.getByRole("columnheader", { name: "Name" });
  await tabTo(visitor, "Name");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  await eventually(async () => {
    const names = await page.locator("tbody th").allInnerTexts();
    assert.deepEqual(names, ["two", "three", "one"]);
  });
  // the focus stays where it is while rows change
  assert.equal(await visitor.focused(), "Name");
}

/** A form takes the focus, keeps it inside, and gives it back. */
async function declare(visitor) {
  const { page } = visitor;
  await page.getByRole("main").focus();
  await tabTo(visitor, "New queue");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  const inside = () => page.evaluate(() => document.activeElement.closest("dialog") !== null);
  for (let index = 0; index < 40; index++) {
    // between the last and the first the browser's own controls have it
    assert.ok(
      await inside() || await page.evaluate(() => document.activeElement === document.body),
    );
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await visitor.focused(), "New queue");
  await page.keyboard.press("Enter");
  await dialog.getByLabel("Name", { exact: true }).focus();
  await page.keyboard.type("four");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("link", { name: "four", exact: true }).waitFor();
  assert.equal((await ask("GET", `/queues/${AT}/four`)).durable, true);
}

async function publishAndDelete(visitor, channel) {
  const { page } = visitor;
  await tabTo(visitor, "four");
  await page.keyboard.press("Enter");
  await visitor.heading("four");
  // who comes to another page begins at its beginning
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await tabTo(visitor, "Publish");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel("Body").focus();
  await page.keyboard.type("typed");
  await tabTo(visitor, "Publish");
  await page.keyboard.press("Enter");
  await visitor.sees("The message was published.");
  await eventually(async () => {
    assert.equal((await channel.checkQueue("four")).messageCount, 1);
  });
  const message = page.locator("details.message summary").first();
  await message.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Move", exact: true }).waitFor();
  await page.getByRole("main").focus();
  await tabTo(visitor, "Delete");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel("Only if no messages are ready").focus();
  await page.keyboard.press("Space");
  await tabTo(visitor, "Delete");
  await page.keyboard.press("Enter");
  // it holds one
  await page.getByRole("dialog").getByRole("alert").filter({ hasText: /in use|not empty/ })
    .waitFor();
  visitor.assertNoComplaints(/400/);
  await page.getByRole("dialog").getByLabel("Only if no messages are ready").focus();
  await page.keyboard.press("Space");
  await tabTo(visitor, "Delete");
  await page.keyboard.press("Enter");
  await visitor.heading("Queues");
  visitor.assertNoComplaints(/404/);
  const left = await ask("GET", `/queues/${AT}?columns=name`);
  assert.deepEqual(left.map(({ name }) => name), ["one", "three", "two"]);
}

/** Each stop of Tab shows where it is, in both colour schemes. */
async function everythingIsSeen(visitor) {
  const { page } = visitor;
  await page.getByRole("link", { name: "three", exact: true }).waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(() => document.activeElement.blur());
    const stops = new Set();
    for (let index = 0; index < 45; index++) {
      await page.keyboard.press("Tab");
      const { what, seen } = await page.evaluate(() => {
        const { activeElement: element } = document;
        // after the last stop the browser's own controls have their turn
        if (element === document.body || !document.hasFocus()) return { what: "", seen: true };
        // a radio button is drawn by what stands beside it
        const drawn = element.matches("input[type=radio]") ? element.nextElementSibling : element;
        const { outlineStyle, outlineWidth } = getComputedStyle(drawn);
        const box = drawn.getBoundingClientRect();
        return {
          what: element.outerHTML.slice(0, 120),
          seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && box.width > 0 &&
            box.bottom > 0 && box.top < innerHeight,
        };
      });
      assert.ok(seen, `nobody sees that ${what} has the focus, ${colorScheme}`);
      stops.add(what);
    }
    assert.ok(stops.size > 20, `${stops.size} stops`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** What the page does while the broker is gone, and about what is not there. */

import assert from "node:assert/strict";
import { ask, eventually, walk } from "./support.mjs";

const VHOST = "dashboard troubles";
const AT = encodeURIComponent(VHOST);
/** What a browser says by itself of requests that nobody answers. */
const UNREACHED = /Failed to load resource/;

await walk(VHOST, async (visitor) => {
  await loading(visitor);
  await missing(visitor);
  await gone(visitor);
  await stopped(visitor);
  await goneAtTheStart(visitor);
});

/** What takes long says so. */
async function loading(visitor) {
  const { page } = visitor;
  let answer;
  const answered = new Promise((resolve) => answer = resolve);
  await page.route("**/api/queues/**", async (route) => {
    await answered;
    await route.continue();
  });
  await visitor.visit("Queues");
  await visitor.sees("Loading…");
  await visitor.inspect("queues-loading");
  answer();
  await visitor.sees(/There are no queues here yet/);
  await page.unroute("**/api/queues/**");
}

async function missing(visitor) {
  const { page } = visitor;
  for (const [kind, name] of [["queues", "none"], ["exchanges", "none"]]) {
    await visitor.go(`#/${kind}/${AT}/${name}`, name);
    await visitor.sees("What this page is about is not there, or not any longer.");
    assert.equal(await page.getByRole("button", { name: "Publish" }).count(), 0);
    await page.getByRole("main").getByRole("link").first().waitFor();
  }
  // how a browser tells of a 404
  await visitor.inspect("missing", UNREACHED);
  await visitor.visit("Queues");
  await page.getByRole("alert").waitFor({ state: "hidden" });
  visitor.assertNoComplaints(UNREACHED);
}

/** It says so, keeps what it has shown, and goes on by itself when the broker is back. */
async function gone(visitor) {
  const { page } = visitor;
  await visitor.visit("Overview");
  await visitor.sees(/as RabbitMQ/);
  const alert = page.getByRole("alert").filter({ hasText: "The server cannot be reached." });
  await page.route("**/api/**", (route) => route.abort("connectionrefused"));
  await alert.waitFor();
  await visitor.sees(/as RabbitMQ/);
  await visitor.inspect("gone", UNREACHED);
  await page.unroute("**/api/**");
  await alert.waitFor({ state: "hidden" });
  visitor.assertNoComplaints(UNREACHED);
  // in earnest
  const answer = await fetch(new URL("restart", process.env.INTEROP_CONTROL_URL), {
    method: "POST",
  });
  assert.equal(answer.status, 204);
  // it may be back before the page has asked again, and then says nothing
  await alert.waitFor({ state: "hidden" });
  await eventually(async () => {
    assert.match(await page.getByRole("table", { name: "Ports" }).innerText(), /amqp/);
  });
  await visitor.visit("Queues");
  await visitor.sees(/There are no queues here yet/);
  visitor.assertNoComplaints(UNREACHED);
}

/** A page that is opened while the broker is stopped says so, until it is not. */
async function stopped(visitor) {
  const { page } = visitor;
  const { node } = await ask("GET", "/overview?columns=node");
  const serve = (value) => ask("PUT", `/nodes/${encodeURIComponent(node)}/serving`, { value });
  const alert = page.getByRole("alert").filter({ hasText: "the broker is stopped" });
  await serve(false);
  await visitor.visit("Overview");
  await alert.waitFor();
  await serve(true);
  await alert.waitFor({ state: "hidden" });
  await visitor.visit("Queues");
  await visitor.sees(/There are no queues here yet/);
  visitor.assertNoComplaints(UNREACHED);
}

/** A page that is loaded before the broker answers begins when it does. */
async function goneAtTheStart(visitor) {
  const { page } = visitor;
  await page.route("**/api/**", (route) => route.abort("connectionrefused"));
  await page.reload();
  await visitor.sees(/The server cannot be reached/);
  await page.unroute("**/api/**");
  await visitor.heading("Queues");
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link").first().waitFor();
  visitor.assertNoComplaints(UNREACHED);
}

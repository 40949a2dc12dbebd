/** Declares, binds and publishes on the page. */

import assert from "node:assert/strict";
import { ask, connect, walk } from "./support.mjs";

const VHOST = "dashboard test/é";

await walk(VHOST, async (visitor) => {
  await makeQueues(visitor);
  await chooseTypes(visitor);
  await bindAndPublish(visitor);
});

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

/** What is chosen is what it is, whatever a queue is otherwise. */
async function chooseTypes(visitor) {
  const { page } = visitor;
  const at = `/vhosts/${encodeURIComponent(VHOST)}`;
  await ask("PUT", at, { default_queue_type: "quorum" });
  for (const type of ["classic", "quorum", "stream"]) {
    await visitor.click("New queue");
    await visitor.fill("Declare", { Name: `a ${type} one`, Type: type });
    await page.getByRole("link", { name: `a ${type} one`, exact: true }).waitFor();
  }
  const queues = await ask("GET", `/queues/${encodeURIComponent(VHOST)}?columns=name,type`);
  assert.deepEqual(
    queues.filter(({ name }) => name.startsWith("a ")).map(({ name, type }) => [name, type]),
    ["classic", "quorum", "stream"].map((type) => [`a ${type} one`, type]),
  );
  for (const { name } of queues.filter(({ name }) => name.startsWith("a "))) {
    await ask("DELETE", `/queues/${encodeURIComponent(VHOST)}/${encodeURIComponent(name)}`);
  }
  await ask("PUT", at, { default_queue_type: "undefined" });
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

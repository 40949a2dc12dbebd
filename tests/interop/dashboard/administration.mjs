/** What operators set on the pages under "Administration", and what it does in the broker. */

import assert from "node:assert/strict";
import { ask, connect, eventually, holdAnswers, walk } from "./support.mjs";

const VHOST = "dashboard administration";
const AT = encodeURIComponent(VHOST);

await walk(VHOST, async (visitor) => {
  await vhosts(visitor);
  await vhostPage(visitor);
  await users(visitor);
  await limits(visitor);
  await parameters(visitor);
  await policies(visitor);
  await rename(visitor);
});

async function vhosts(visitor) {
  const { page } = visitor;
  await visitor.visit("Virtual hosts");
  await visitor.click("New virtual host");
  await visitor.fill("Add", { Name: "passing by", Description: "for a moment" });
  await visitor.sees("for a moment");
  const told = async () => {
    const { description, default_queue_type } = await ask("GET", "/vhosts/passing%20by");
    return [description, default_queue_type];
  };
  // the broker decides, until somebody says something else
  assert.deepEqual(await told(), ["for a moment", "undefined"]);
  const { default_queue_type: usual } = await ask("GET", "/overview");
  const inherited = `as the broker (${usual})`;
  for (
    const [description, choice, type] of [
      ["looked at", undefined, "undefined"],
      ["changed", "quorum", "quorum"],
      ["changed again", undefined, "quorum"],
      ["as it was", inherited, "undefined"],
    ]
  ) {
    await visitor.click("Edit passing by");
    const shown = page.getByRole("dialog").getByLabel("Queues by default");
    const before = (await told())[1];
    assert.equal(await shown.inputValue(), before === "undefined" ? inherited : before);
    await visitor.fill("Save", {
      Description: description,
      ...choice === undefined ? {} : { "Queues by default": choice },
    });
    await visitor.sees(description);
    assert.deepEqual(await told(), [description, type]);
  }
  const chosen = page.getByLabel("Virtual host", { exact: true });
  await visitor.visit("Virtual hosts");
  await chosen.selectOption({ label: "passing by" });
  await visitor.click("Delete passing by");
  await visitor.fill("Delete", {});
  await page.getByRole("rowheader", { name: "passing by" }).waitFor({ state: "detached" });
  // one that is gone is chosen no longer
  await visitor.visit("Queues");
  await eventually(async () => assert.equal(await chosen.inputValue(), ""));
  visitor.assertNoComplaints(/404/);
  await chosen.selectOption({ label: VHOST });
}

/** Its settings, limits and permissions. */
async function vhostPage(visitor) {
  const { page } = visitor;
  const vhost = () => ask("GET", `/vhosts/${AT}`);
  await visitor.visit("Virtual hosts");
  const answered = await holdAnswers(page, `**/api/vhosts/${AT}?*`);
  await page.getByRole("link", { name: VHOST }).click();
  await visitor.heading(VHOST);
  // while nothing is known of it
  for (const name of ["Edit", "Start tracing", "Protect"]) {
    assert.equal(await page.getByRole("button", { name, exact: true }).isDisabled(), true);
  }
  await page.getByRole("img", { name: "Message rates", exact: true }).waitFor();
  await answered();
  await visitor.click("Start tracing");
  await page.getByRole("button", { name: "Stop tracing" }).waitFor();
  assert.equal((await vhost()).tracing, true);
  await visitor.click("Stop tracing");
  await page.getByRole("button", { name: "Start tracing" }).waitFor();
  assert.equal((await vhost()).tracing, false);
  await visitor.click("Protect");
  await page.getByRole("button", { name: "Unprotect" }).waitFor();
  await visitor.click("Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("alert").filter({ hasText: /protected/ }).waitFor();
  visitor.assertNoComplaints(/412/);
  await page.keyboard.press("Escape");
  await visitor.click("Unprotect");
  await page.getByRole("button", { name: "Protect", exact: true }).waitFor();

  await visitor.click("Set a limit");
  await visitor.fill("Save", { Limit: "max-queues", Value: "1" });
  await page.getByRole("rowheader", { name: "max-queues" }).waitFor();
  const { connection, channel } = await connect(VHOST);
  await channel.assertQueue("the only one");
  channel.on("error", () => {});
  await assert.rejects(channel.assertQueue("one too many"), /limit/);
  await connection.close();
  await visitor.inspect("vhost");
  await visitor.click(`Clear max-queues of ${VHOST}`);
  await visitor.fill("Clear", {});
  await visitor.sees("No limits.");

  await visitor.click("Set for a topic exchange");
  await visitor.fill("Save", { User: "guest", Exchange: "amq.topic", Write: "^public\\." });
  await eventually(async () => {
    const [told] = await ask("GET", `/vhosts/${AT}/topic-permissions`);
    assert.equal(told?.write, "^public\\.");
  });
  await visitor.click(`Clear guest in ${VHOST} amq.topic`);
  await visitor.fill("Clear", {});
  await visitor.sees("All routing keys are allowed.");
  assert.deepEqual(await ask("GET", `/vhosts/${AT}/topic-permissions`), []);
}

/** A password stays when something else is changed, and goes when the user does. */
async function users(visitor) {
  const { page } = visitor;
  const login = async (password) => {
    const { authenticated } = await ask("POST", "/users/visitor/authenticate", { password });
    return authenticated;
  };
  await visitor.visit("Users");
  await visitor.click("New user");
  await visitor.fill("Save", { Name: "visitor", Password: "secret", Tags: "monitoring" });
  const row = page.getByRole("row").filter({ hasText: "visitor" });
  await eventually(async () => assert.match(await row.innerText(), /monitoring\s+none\s+set/));
  assert.equal(await login("secret"), true);
  await visitor.click("Edit visitor");
  await visitor.fill("Save", { Tags: "management, policymaker" });
  await visitor.sees("management, policymaker");
  assert.equal(await login("secret"), true);
  await visitor.click("Edit visitor");
  await visitor.fill("Save", { Password: "another" });
  await eventually(async () => assert.equal(await login("another"), true));
  assert.deepEqual((await ask("GET", "/users/visitor")).tags, ["management", "policymaker"]);

  await page.getByRole("link", { name: "visitor" }).click();
  await visitor.heading("visitor");
  await visitor.click("Set permissions");
  await visitor.fill("Save", { "Virtual host": VHOST, Configure: "^mine-", Write: "", Read: ".*" });
  await page.getByRole("link", { name: VHOST }).waitFor();
  const told = await ask("GET", `/permissions/${AT}/visitor`);
  assert.deepEqual([told.configure, told.write, told.read], ["^mine-", "", ".*"]);
  await visitor.click(`Clear visitor in ${VHOST}`);
  await visitor.fill("Clear", {});
  await visitor.sees("This user may not enter any virtual host.");
}

async function limits(visitor) {
  const { page } = visitor;
  await visitor.visit("Limits");
  await visitor.click("Set for a user");
  await visitor.fill("Save", { User: "visitor", Limit: "max-connections", Value: "0" });
  await page.getByRole("link", { name: "visitor" }).waitFor();
  await visitor.click("Set for a virtual host");
  await visitor.fill("Save", { "Virtual host": VHOST, Limit: "max-connections", Value: "7" });
  await page.getByRole("link", { name: VHOST }).waitFor();
  const limitsOf = async (path) => (await ask("GET", path))[0]?.value;
  assert.deepEqual(await limitsOf("/user-limits/visitor"), { "max-connections": 0 });
  assert.deepEqual(await limitsOf(`/vhost-limits/${AT}`), { "max-connections": 7 });
  await visitor.click(`Edit max-connections of ${VHOST}`);
  await visitor.fill("Save", { Value: "8" });
  await eventually(async () => {
    assert.deepEqual(await limitsOf(`/vhost-limits/${AT}`), { "max-connections": 8 });
  });
  await visitor.inspect("limits");
  for (const whose of ["visitor", VHOST]) {
    await visitor.click(`Clear max-connections of ${whose}`);
    await visitor.fill("Clear", {});
    await page.getByRole("link", { name: whose }).waitFor({ state: "detached" });
  }
  await visitor.visit("Users");
  await visitor.click("Delete visitor");
  await visitor.fill("Delete", {});
  await page.getByRole("link", { name: "visitor" }).waitFor({ state: "detached" });
}

async function parameters(visitor) {
  const { page } = visitor;
  await visitor.visit("Parameters");
  await visitor.click("New global parameter");
  await visitor.fill("Save", { Name: "of_a_test", Value: '{"region": "eu"}' });
  await page.getByRole("rowheader", { name: "of_a_test" }).waitFor();
  assert.deepEqual((await ask("GET", "/global-parameters/of_a_test")).value, { region: "eu" });
  await visitor.click("Edit of_a_test");
  await visitor.send("Save", { Value: "nonsense" });
  await visitor.sees("Value: this is not JSON.");
  await visitor.fill("Save", { Value: "[1, 2]" });
  await visitor.sees("[1,2]");
  await visitor.click("New parameter");
  await visitor.fill("Save", {
    Component: "vhost-limits",
    "Virtual host": VHOST,
    Name: "limits",
    Value: '{"max-queues": 50}',
  });
  await visitor.sees('{"max-queues":50}');
  assert.deepEqual((await ask("GET", `/vhost-limits/${AT}`))[0].value, { "max-queues": 50 });
  await visitor.inspect("parameters");
  for (const name of ["of_a_test", "limits"]) {
    await visitor.click(`Delete ${name}`);
    await visitor.fill("Delete", {});
    await page.getByRole("rowheader", { name, exact: true }).waitFor({ state: "detached" });
  }
  assert.deepEqual(await ask("GET", `/vhost-limits/${AT}`), []);
}

/** Both kinds, and what comes of them in a queue. */
async function policies(visitor) {
  const { page } = visitor;
  await visitor.visit("Policies");
  await visitor.click("New policy");
  await visitor.fill("Save", {
    Name: "short",
    "Pattern of names": "^the only",
    Definition: '{"max-length": 7}',
  });
  await visitor.sees("max-length: 7");
  await visitor.click("New operator policy");
  await visitor.fill("Save", {
    Name: "limit",
    "Pattern of names": ".*",
    "Applies to": "queues",
    Definition: '{"max-length": 5}',
  });
  await visitor.sees("max-length: 5");
  const queue = await ask("GET", `/queues/${AT}/the%20only%20one`);
  assert.deepEqual([queue.policy, queue.operator_policy], ["short", "limit"]);
  assert.deepEqual(queue.effective_policy_definition, { "max-length": 5 });
  await visitor.inspect("policies");
  for (const name of ["short", "limit"]) {
    await visitor.click(`Delete ${name}`);
    await visitor.fill("Delete", {});
    await page.getByRole("rowheader", { name, exact: true }).waitFor({ state: "detached" });
  }
}

async function rename(visitor) {
  const { name: before } = await ask("GET", "/cluster-name");
  await visitor.visit("Overview");
  for (const name of ["burrow of a test", before]) {
    await visitor.sees(/as RabbitMQ/);
    await visitor.click("Rename this broker");
    await visitor.fill("Save", { Name: name });
    await visitor.page.getByText(name).first().waitFor();
    assert.equal((await ask("GET", "/cluster-name")).name, name);
  }
}

/** The dashboard over TLS: a browser that trusts the certificate, and one that does not. */

import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { ask, eventually, Visitor } from "./support.mjs";

const PORT = process.env.MANAGEMENT_TLS_PORT;
const at = `https://localhost:${PORT}`;

if (PORT !== undefined) {
  await notTrusted();
  await trusted();
}

async function notTrusted() {
  const visitor = await Visitor.open({ at });
  try {
    await assert.rejects(visitor.page.goto(at), /ERR_CERT_AUTHORITY_INVALID/);
  } finally {
    await visitor.close();
  }
}

async function trusted() {
  const visitor = await Visitor.open({
    at,
    args: [`--ignore-certificate-errors-spki-list=${key()}`],
  });
  const { page } = visitor;
  try {
    const response = await page.goto(at);
    const { subjectName, protocol } = await response.securityDetails();
    assert.deepEqual([subjectName, protocol], ["localhost", "TLS 1.3"]);
    assert.ok(await page.evaluate(() => globalThis.isSecureContext));
    await page.getByLabel("User").fill("guest");
    await page.getByLabel("Password").fill("guest");
    await visitor.click("Log in");
    await visitor.heading("Overview");
    await eventually(async () => {
      const ports = page.getByRole("table", { name: "Ports" }).getByRole("rowheader");
      assert.ok(await ports.count() > 0);
    });
    const contexts = page.getByRole("table", { name: "Web contexts" });
    const tls = async (port) =>
      await contexts.getByRole("row").filter({ hasText: port }).first()
        .getByRole("cell", { name: /^(yes|no)$/ }).innerText();
    await contexts.getByRole("row").filter({ hasText: PORT }).first().waitFor();
    assert.deepEqual([await tls(PORT), await tls(process.env.MANAGEMENT_PORT)], ["yes", "no"]);
    await changes(page);
    visitor.assertNoComplaints();
  } finally {
    await visitor.close();
  }
}

/** Calls that change something say where they come from, which is looked at: `https`, too. */
async function changes(page) {
  const statuses = await page.evaluate(async () => {
    const headers = { authorization: `Basic ${btoa("guest:guest")}` };
    const path = "/api/queues/%2F/from-a-browser";
    const put = await fetch(path, { method: "PUT", headers, body: "{}" });
    return [put.status, (await fetch(path, { method: "DELETE", headers })).status];
  });
  assert.deepEqual(statuses, [201, 204]);
  assert.ok((await ask("GET", "/queues")).every(({ name }) => name !== "from-a-browser"));
}

/** What this browser is to trust and nothing else: the key of the broker's certificate. */
function key() {
  const pem = readFileSync(`${process.env.INTEROP_CERTIFICATES}server.pem`);
  const spki = new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}

/** A page from elsewhere is refused with 403, as a browser tells it, unless its origin is listed. */

import { assertEquals } from "@std/assert";
import { BackgroundProcess } from "../background_process.ts";
import {
  EXPECTED,
  type Files,
  readFiles,
  Site,
  STRANGER,
  visit,
  warrenClient,
  webSocketUrl,
} from "./support.ts";

const PROGRAM = new URL("../../../broker/main.ts", import.meta.url).pathname;

if (webSocketUrl !== undefined) {
  const files = await readFiles("warren.js", { "/warren.mjs": await warrenClient() });
  await refuse(files, webSocketUrl);
  await admit(files);
}

/** The broker that all programs talk to lists no origin. */
async function refuse(files: Files, broker: string): Promise<void> {
  await using site = new Site(files);
  assertEquals(await visit(site, site.page(broker, STRANGER)), {
    report: { failed: "Error: Cannot connect: the WebSocket could not be opened (code 1006)" },
    statuses: ["403"],
  });
}

/** A broker of its own, which lists this one. */
async function admit(files: Files): Promise<void> {
  await using site = new Site(files);
  const { origin } = new URL(site.page("", STRANGER));
  await using broker = new BackgroundProcess({
    command: Deno.execPath(),
    args: ["run", "-A", PROGRAM, "--memory", "--port=0", "--ws-port=0", "--ws-origin", origin],
  });
  const [url] = await broker.waitForOutput(/ws:\/\/127\.0\.0\.1:\d+/, 60_000);
  assertEquals(await visit(site, site.page(url, STRANGER)), {
    report: { ...EXPECTED as object, called: 42 },
    statuses: ["101"],
  });
}

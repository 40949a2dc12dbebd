/** A page whose broker is killed while it publishes, consumes and calls goes on with the next broker. */

import { assertEquals } from "@std/assert";
import { BackgroundProcess } from "../background_process.ts";
import { readFiles, Site, visit, warrenClient, webSocketUrl } from "./support.ts";

const PROGRAM = new URL("../../../broker/main.ts", import.meta.url).pathname;

if (webSocketUrl !== undefined) {
  const files = await readFiles("recovery.js", { "/warren.mjs": await warrenClient() });
  await using first = startBroker();
  await using second = startBroker();
  const urls = await Promise.all([first, second].map(async (broker) => {
    const [url] = await broker.waitForOutput(/ws:\/\/127\.0\.0\.1:\d+\/?/, 60_000);
    return url;
  }));
  await using site = new Site(files, { "/kill": () => Deno.kill(first.pid, "SIGKILL") });
  const { report } = await visit(site, site.page(urls.join(" ")));
  const numbers = [...Array(60).keys()];
  assertEquals(report, { received: numbers, called: 42, lost: 1, to: new URL(urls[1]!).port });
}

function startBroker(): BackgroundProcess {
  return new BackgroundProcess({
    command: Deno.execPath(),
    args: ["run", "-A", PROGRAM, "--memory", "--port=0", "--ws-port=0"],
  });
}

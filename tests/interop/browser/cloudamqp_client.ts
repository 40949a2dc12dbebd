/** CloudAMQP's client in a real browser, as LavinMQ's users have it in their pages. */

import { assertEquals } from "@std/assert";
import { cloudamqpClient, EXPECTED, readFiles, Site, visit, webSocketUrl } from "./support.ts";

if (webSocketUrl !== undefined) {
  const files = await readFiles("cloudamqp.js", { "/amqp-client.mjs": await cloudamqpClient() });
  await using site = new Site(files);
  const visited = await visit(site, site.page(webSocketUrl));
  assertEquals(visited, { report: EXPECTED, statuses: ["101"] });
}

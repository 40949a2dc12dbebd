/** The client of this project in a real browser, bundled as a page would have it. */

import { assertEquals } from "@std/assert";
import { EXPECTED, readFiles, Site, visit, warrenClient, webSocketUrl } from "./support.ts";

if (webSocketUrl !== undefined) {
  const files = await readFiles("warren.js", { "/warren.mjs": await warrenClient() });
  await using site = new Site(files);
  const visited = await visit(site, site.page(webSocketUrl));
  assertEquals(visited, { report: { ...EXPECTED as object, called: 42 }, statuses: ["101"] });
}

import { assertEquals, assertMatch } from "@std/assert";
import { serveManagement } from "../../broker/management/mod.ts";
import { Broker } from "../../mod.ts";

const FILES = {
  "/": "text/html; charset=utf-8",
  "/dashboard.js": "text/javascript; charset=utf-8",
  "/dashboard.css": "text/css; charset=utf-8",
  "/dashboard.svg": "image/svg+xml",
};

Deno.test("the dashboard's files are served to everybody, with their types", async () => {
  await using broker = new Broker();
  await using server = await serveManagement(broker, { port: 0 });
  for (const [path, type] of Object.entries(FILES)) {
    const response = await fetch(server.url + path);
    const text = await response.text();
    assertEquals([path, response.status, response.headers.get("content-type")], [path, 200, type]);
    assertEquals(text.length > 100, true, path);
    const head = await fetch(server.url + path, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
    assertEquals(head.headers.get("content-type"), type);
  }
});

Deno.test("a page may load and run nothing but what it was served with", async () => {
  await using broker = new Broker();
  await using server = await serveManagement(broker, { port: 0 });
  for (const path of Object.keys(FILES)) {
    const { headers, body } = await fetch(server.url + path);
    await body?.cancel();
    const policy = headers.get("content-security-policy") ?? "";
    assertMatch(policy, /^default-src 'none';/);
    assertMatch(policy, /frame-ancestors 'none'/);
    assertEquals(/unsafe|http|\*|data:|blob:/.test(policy), false, policy);
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("x-frame-options"), "DENY");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
  }
  const { headers, body } = await fetch(`${server.url}/api/auth`);
  await body?.cancel();
  assertEquals(
    headers.get("content-security-policy"),
    "default-src 'none'; frame-ancestors 'none'",
    "the API's answers may do less",
  );
  assertEquals(headers.get("cache-control"), "no-store");
});

Deno.test("a page refers to files beside it and to nothing elsewhere", async () => {
  await using broker = new Broker();
  await using server = await serveManagement(broker, { port: 0 });
  const page = await (await fetch(server.url)).text();
  const references = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url);
  assertEquals(references, ["dashboard.svg", "dashboard.css", "dashboard.js"]);
  assertEquals(/<style|<script(?![^>]*src=)|\son\w+=|style=/.test(page), false);
  const styles = await (await fetch(`${server.url}/dashboard.css`)).text();
  assertEquals(/url\(|@import/.test(styles), false);
});

Deno.test("a browser that has a file is not sent it again", async () => {
  await using broker = new Broker();
  await using server = await serveManagement(broker, { port: 0 });
  const first = await fetch(`${server.url}/dashboard.js`);
  await first.body?.cancel();
  assertEquals(first.headers.get("cache-control"), "no-cache");
  const tag = first.headers.get("etag")!;
  assertMatch(tag, /^(?:W\/)?"[0-9a-f]{16}"$/);
  for (const known of [tag, `"other", ${tag}`, `W/${tag.replace("W/", "")}`]) {
    const again = await fetch(`${server.url}/dashboard.js`, {
      headers: { "if-none-match": known },
    });
    assertEquals([again.status, await again.text()], [304, ""]);
    assertMatch(again.headers.get("content-security-policy") ?? "", /script-src 'self'/);
  }
  const changed = await fetch(`${server.url}/dashboard.js`, {
    headers: { "if-none-match": '"0123456789abcdef"' },
  });
  assertEquals(changed.status, 200);
  await changed.body?.cancel();
});

Deno.test("there is nothing at other paths, and nobody writes to the page", async () => {
  await using broker = new Broker();
  await using server = await serveManagement(broker, { port: 0 });
  const paths = ["/none", "/dashboard.js.map", "/page/main.ts", "/..%2fserver.ts", "/%00"];
  for (const path of paths) {
    const response = await fetch(server.url + path);
    assertEquals([path, response.status], [path, 404]);
    assertEquals(await response.json(), { error: "Object Not Found", reason: "Not Found" });
  }
  for (const method of ["POST", "PUT", "DELETE"]) {
    const response = await fetch(server.url, { method });
    await response.body?.cancel();
    assertEquals([method, response.status], [method, 404]);
  }
});

import { assertEquals, assertThrows } from "@std/assert";
import { Origins } from "../../broker/net/origins.ts";

const HOST = "broker.example:15670";

const cases: readonly (readonly [
  origin: string | undefined,
  host: string,
  listed: readonly string[],
  allowed: boolean,
])[] = [
  [undefined, HOST, [], true],
  ["http://localhost:8000", HOST, [], true],
  ["http://app.localhost", HOST, [], true],
  ["https://127.0.0.1", HOST, [], true],
  ["http://[::1]:3000", HOST, [], true],
  ["http://192.0.2.1:15670", "192.0.2.1:15670", [], true],
  ["http://192.0.2.1:8080", "192.0.2.1:15670", [], false],
  // anybody's name can be made to mean this machine
  ["http://broker.example:15670", HOST, [], false],
  ["http://broker.example:15670", HOST, ["http://broker.example:15670"], true],
  ["https://app.example", HOST, [], false],
  ["https://app.example", HOST, ["https://app.example"], true],
  ["https://app.example", HOST, ["https://APP.example/"], true],
  ["http://app.example", HOST, ["https://app.example"], false],
  ["https://app.example:444", HOST, ["https://app.example"], false],
  ["https://app.example.evil", HOST, ["https://app.example"], false],
  ["https://127.0.0.1.evil.example", HOST, [], false],
  ["https://localhost.evil.example", HOST, [], false],
  ["moz-extension://abc", HOST, [], false],
  ["moz-extension://abc", HOST, ["moz-extension://abc"], true],
  ["null", HOST, [], false],
  ["", HOST, [], false],
  ["null", HOST, ["*"], true],
  ["https://evil.example", HOST, ["*"], true],
];

for (const [origin, host, listed, allowed] of cases) {
  const verb = allowed ? "lets in" : "keeps out";
  Deno.test(`Origins with [${listed}] ${verb} a page of ${origin ?? "no origin"} at ${host}`, () => {
    assertEquals(new Origins(listed).allow(origin, host), allowed);
  });
}

Deno.test("Origins refuses to list what is no origin", () => {
  for (const text of ["app.example", "https://app.example/page", "https://a@b.example", ""]) {
    assertThrows(() => new Origins([text]), TypeError, "is no origin");
  }
});

import { assertEquals } from "@std/assert";
import { isLoopback } from "../../broker/auth/authenticator.ts";

Deno.test("isLoopback() knows the addresses of this machine from others", () => {
  const loopback = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::FFFF:127.0.0.1"];
  const others = ["128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "localhost", "", "::1:2"];
  assertEquals(loopback.filter((hostname) => !isLoopback(hostname)), []);
  assertEquals(others.filter(isLoopback), []);
});

import { assertEquals } from "@std/assert";
import { amqplainResponse, plainResponse } from "../../broker/amqp/sasl.ts";
import { guestAuthenticator, isLoopback } from "../../broker/auth/authenticator.ts";

const GUEST = { username: "guest", password: "guest" };

Deno.test("guestAuthenticator offers RabbitMQ's mechanisms in its order", () => {
  assertEquals(guestAuthenticator.mechanisms, ["AMQPLAIN", "PLAIN"]);
});

Deno.test("guestAuthenticator lets guest in, from loopback and by both mechanisms", () => {
  for (const peerHostname of ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]) {
    const attempts = [
      { mechanism: "PLAIN", response: plainResponse(GUEST) },
      { mechanism: "AMQPLAIN", response: amqplainResponse(GUEST) },
    ];
    for (const attempt of attempts) {
      assertEquals(guestAuthenticator.authenticate({ ...attempt, peerHostname }), {
        name: "guest",
      });
    }
  }
});

Deno.test("guestAuthenticator refuses everybody else, and never shows a password", () => {
  const cases: readonly (readonly [
    attempt: { mechanism?: string; response?: Uint8Array; peerHostname?: string },
    refused: string,
  ])[] = [
    [{ response: plainResponse({ ...GUEST, password: "" }) }, "user 'guest': invalid credentials"],
    [
      { response: plainResponse({ username: "root", password: "secret" }) },
      "user 'root': invalid credentials",
    ],
    [{ peerHostname: "10.0.0.1" }, "user 'guest' can only connect via localhost"],
    [{ peerHostname: "1127.0.0.1" }, "user 'guest' can only connect via localhost"],
    [{ peerHostname: "127.evil.example" }, "user 'guest' can only connect via localhost"],
    [{ peerHostname: "::1:2" }, "user 'guest' can only connect via localhost"],
    [{ response: new Uint8Array() }, "the response is malformed"],
    [{ mechanism: "AMQPLAIN" }, "the response is malformed"],
    [{ mechanism: "plain" }, "mechanism plain is not offered"],
    [{ mechanism: "" }, "mechanism  is not offered"],
  ];
  for (const [attempt, refused] of cases) {
    const complete = {
      mechanism: "PLAIN",
      response: plainResponse(GUEST),
      peerHostname: "127.0.0.1",
      ...attempt,
    };
    assertEquals(guestAuthenticator.authenticate(complete), { refused });
  }
});

Deno.test("isLoopback() knows the addresses of this machine from others", () => {
  const loopback = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::FFFF:127.0.0.1"];
  const others = ["128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "localhost", ""];
  assertEquals(loopback.filter((hostname) => !isLoopback(hostname)), []);
  assertEquals(others.filter(isLoopback), []);
});

import { assertEquals, assertThrows } from "@std/assert";
import type { ConnectOptions } from "../../client/options.ts";
import { parseUri } from "../../client/uri.ts";

const addresses: readonly (readonly [string, ConnectOptions])[] = [
  ["amqp://", {}],
  ["amqp://localhost", { hostname: "localhost" }],
  ["amqp://localhost/", { hostname: "localhost" }],
  ["amqp://host:5673", { hostname: "host", port: 5673 }],
  ["amqp://host/%2F", { hostname: "host", vhost: "/" }],
  ["amqp://host/%2f", { hostname: "host", vhost: "/" }],
  ["amqp://host/orders", { hostname: "host", vhost: "orders" }],
  ["amqp://host/a/b", { hostname: "host", vhost: "a/b" }],
  ["amqp://host/caf%C3%A9", { hostname: "host", vhost: "café" }],
  ["amqp:///orders", { vhost: "orders" }],
  ["amqp://user@host", { username: "user", hostname: "host" }],
  ["amqp://user:pass@host", { username: "user", password: "pass", hostname: "host" }],
  ["amqp://u%40x:p%3A%2F%23@host", { username: "u@x", password: "p:/#", hostname: "host" }],
  ["amqp://[::1]:5672/", { hostname: "::1", port: 5672 }],
  ["amqp://h%6Fst", { hostname: "host" }],
  ["amqps://host", { tls: true, hostname: "host" }],
  ["amqp://host?name=orders%20worker", { hostname: "host", connectionName: "orders worker" }],
  ["amqp://host?connection_name=w", { hostname: "host", connectionName: "w" }],
  ["wss://host/p?name=w&x=1", { webSocketUrl: "wss://host/p?x=1", connectionName: "w" }],
  ["amqp://host?heartbeat=10", { hostname: "host", heartbeatSeconds: 10 }],
  ["amqp://host/?heartbeat=0", { hostname: "host", heartbeatSeconds: 0 }],
  ["amqp://host/v?frame_max=8192&channel_max=20&connection_timeout=500", {
    hostname: "host",
    vhost: "v",
    frameMax: 8192,
    channelMax: 20,
    connectTimeoutMs: 500,
  }],
  ["amqp://host?frameMax=8192&channelMax=7", { hostname: "host", frameMax: 8192, channelMax: 7 }],
  ["amqp+unix:///run/warren.sock", { path: "/run/warren.sock" }],
  ["amqp+unix:///a%20b.sock?vhost=%2F", { path: "/a b.sock", vhost: "/" }],
  ["amqp+unix://ann:p%40ss@localhost/run/w.sock?vhost=orders&heartbeat=5", {
    path: "/run/w.sock",
    vhost: "orders",
    username: "ann",
    password: "p@ss",
    heartbeatSeconds: 5,
  }],
  ["ws://host", { webSocketUrl: "ws://host/" }],
  ["wss://ann:secret@host:8443/a/b?vhost=orders&token=x&heartbeat=9#top", {
    webSocketUrl: "wss://host:8443/a/b?token=x",
    username: "ann",
    password: "secret",
    vhost: "orders",
    heartbeatSeconds: 9,
  }],
  ["amqp://host?locale=en_US&verify=no", { hostname: "host" }],
  ["amqps://host:1?auth_mechanism=external", {
    tls: true,
    hostname: "host",
    port: 1,
    mechanism: "EXTERNAL",
  }],
];

for (const [address, expected] of addresses) {
  Deno.test(`parseUri() reads ${address}`, () => {
    assertEquals(parseUri(address), expected);
  });
}

const malformed: readonly (readonly [string, string])[] = [
  ["amqps://host?auth_mechanism=scram", "auth_mechanism is none that is known"],
  ["", "it is not a URL"],
  ["localhost:5672", 'scheme is "localhost:"'],
  ["http://localhost", 'scheme is "http:"'],
  ["amqp+unix://host/run/w.sock", "a socket file is on this machine"],
  ["amqp+unix://localhost:5672/run/w.sock", "a socket file is on this machine"],
  ["amqp+unix:///", "the path is missing"],
  ["amqp+unix:///%FF", "path is not percent-encoded UTF-8"],
  ["amqp://host:70000", "it is not a URL"],
  ["amqp://host/%E0%A4", "vhost is not percent-encoded UTF-8"],
  ["amqp://us%FFer@host", "user is not percent-encoded UTF-8"],
  ["amqp://host?heartbeat=soon", "heartbeat is not a whole number"],
  ["amqp://host?heartbeat=-1", "heartbeat is not a whole number"],
  ["amqp://host?frame_max=4096.5", "frame_max is not a whole number"],
];

for (const [address, text] of malformed) {
  Deno.test(`parseUri() refuses ${address || "nothing"}`, () => {
    assertThrows(() => parseUri(address), TypeError, text);
  });
}

Deno.test("parseUri() never repeats a password in an error", () => {
  for (const address of ["amqp://u:secret@host:x/", "http://u:secret@h", "amqp://u:secret%@h"]) {
    const error = assertThrows(() => parseUri(address), TypeError);
    assertEquals(Deno.inspect(error).includes("secret"), false, address);
  }
});

import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { serveManagement } from "../../broker/management/mod.ts";
import { certificate } from "../support/certificates.ts";
import { computedMs } from "../support/computed.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { ATTACKS } from "./attacks.ts";
import { fare, percentile, type Stopwatch } from "./healthy_client.ts";
import { type Allowance, ALLOWED } from "./terms.ts";
import { complaintsOf, type Outcome } from "./verdict.ts";

/**
 * A little of each attack, in this process: nobody else loses anything, nothing is logged as a bug, and
 * nothing is left. What the whole costs, `deno task abuse` measures.
 *
 * @module
 */

/** The healthy client's p99 is within this, in milliseconds, though attackers share its process and what
 * they do to their own end is in it. */
const LATENCY_MS_MAX = 1000;
/** And the time that a login takes. */
const LOGIN_MS_MAX = 2000;

/** What was computed meanwhile, all attackers included; a machine that is busy with other things may take
 * ten times as long for it. */
const onBusyMachine: Stopwatch = () => {
  const [began, computed] = [performance.now(), computedMs()];
  return () => Math.max(computedMs() - computed, (performance.now() - began) / 10);
};

/** Those who behave are let in within it, on a slow machine too. */
const SMALL: Allowance = { handshakeMs: 2000, httpMs: 1000, httpConnections: 30 };

for (const attack of ATTACKS) {
  Deno.test(`Others do not lose anything by ${attack.name}`, async () => {
    const logger = new RecordingLogger();
    const allowed = {
      handshakeMs: attack.byTimeout ? SMALL.handshakeMs : ALLOWED.handshakeMs,
      httpMs: attack.byHttpTimeout ? SMALL.httpMs : ALLOWED.httpMs,
      httpConnections: SMALL.httpConnections,
    };
    const broker = new Broker({
      ...attack.options,
      logger,
      ...attack.byTimeout
        ? { handshakeTimeoutMs: allowed.handshakeMs, readTimeoutMs: allowed.handshakeMs }
        : {},
      passwordHashing: "rabbitmq-sha256",
    });
    const { port } = await broker.listen({ port: 0 });
    const { port: tlsPort } = await broker.listen({ port: 0, tls: certificate("server") });
    await using management = await serveManagement(broker, {
      port: 0,
      logger,
      limits: {
        connectionMaxPerAddress: allowed.httpConnections,
        ...attack.byHttpTimeout
          ? {
            headTimeoutMs: allowed.httpMs,
            requestTimeoutMs: allowed.httpMs,
            writeTimeoutMs: allowed.httpMs,
          }
          : {},
      },
    });
    const permit = async (pattern: string) => {
      const permission = { user: "guest", configure: pattern, write: ".*", read: ".*" };
      return await broker.setPermissions(permission).then(() => "set", ({ message }) => message);
    };
    let over = false;
    const faring = fare({ hostname: "127.0.0.1", port }, () => !over, onBusyMachine);
    faring.catch(() => {}); // awaited when the attack is over
    const { port: managementPort } = management;
    const saw = await attack.run({ port, tlsPort, managementPort, permit, allowed }, attack.small)
      .finally(() => over = true);
    assertEquals(attack.accept(saw, attack.small, allowed), true, saw);
    const { messages, latencies, logins } = await faring;
    assertGreater(messages, 0);
    assertLess(percentile(latencies, 0.99), LATENCY_MS_MAX);
    assertLess(percentile(logins, 0.99), LOGIN_MS_MAX);
    // waits for connections that are stuck, for ever
    await broker.close();
    assertEquals([...broker.connections()], []);
    assertEquals(logger.of("error"), []);
  });
}

/** What comes close, and is not what one has to see. */
const NOT_ENOUGH: Readonly<Record<string, readonly [count: number, ...saw: string[]]>> = {
  "idle connections": [200, "199 logged in"],
  "1000 connections a second opened and dropped": [
    5000,
    "5000, 60 a second",
    "4999, 1000 a second",
  ],
  "a reader that never reads, MiB for it": [
    1024,
    "0 of 1024 MiB still queued",
    "900 of 1024 MiB still queued",
    "1020 of 2048 MiB still queued",
  ],
  "a publisher of 128 MiB bodies": [2, "1 confirmed"],
  "dead letters that multiply among full queues": [
    5,
    "249 deaths in 5 queues",
    "300 deaths in 4 queues",
  ],
  "a client that opens 65 535 channels": [3000, "2999 open"],
  "one byte at a time": [20, "ended: 10 of 10 who log in so, 9 who publish so"],
  "tables nested 10 000 deep": [20, "19 of 20 refused with 502"],
  "regex bombs as permissions": [10, "9 of 10 refused"],
  "TLS handshakes that stop half-way": [50, "0 of 50 were ended", "49 of 50 were ended"],
  "HTTP requests that come byte by byte, or not at all": [
    40,
    "10 of 40 refused at once, 29 given up",
    "40 of 40 refused at once, 0 given up",
  ],
  "HTTP clients that do not read long lists": [4, "0 of 4 given up"],
  "password guesses of clients that hang up": [
    200,
    "6 of 200 guesses counted in 2.0 s, 0 of 30 right ones let in",
    "170 of 200 guesses counted in 2.0 s, 30 of 30 right ones let in",
    "200 of 200 guesses counted in 2.0 s, 0 of 0 right ones let in",
    "169 of 199 guesses counted in 2.0 s, 0 of 30 right ones let in",
  ],
};

Deno.test("what an attacker saw is not taken for enough when it was less", () => {
  assertEquals(Object.keys(NOT_ENOUGH).sort(), ATTACKS.map(({ name }) => name).sort());
  for (const { name, accept } of ATTACKS) {
    const [count, ...seen] = NOT_ENOUGH[name]!;
    for (const saw of ["", ...seen]) assertEquals(accept(saw, count, SMALL), false, saw);
  }
});

Deno.test("an attack fails by what was seen, by memory, by time and by errors", () => {
  const attack = { accept: (saw: string) => saw === "well", growthMax: 100 };
  const well: Outcome = {
    saw: "well",
    count: 1,
    before: 2 ** 20,
    most: 101 * 2 ** 20,
    fares: { messages: 1, latencies: [1], logins: [1] },
    errors: [],
  };
  const fares = (latencies: readonly number[], logins: readonly number[]) => ({
    fares: { messages: latencies.length, latencies, logins },
  });
  const complaints = (wrong: Partial<Outcome>) => complaintsOf(attack, { ...well, ...wrong });
  assertEquals(complaints({}), []);
  assertEquals(complaints({ saw: "ill" }), ['the attacker saw "ill"']);
  assertEquals(complaints({ most: 201 * 2 ** 20 }), ["it grew by 200 of 100 MiB"]);
  assertEquals(complaints(fares([1, 101], [1])), ["the p99 of a message"]);
  const slowest = [...Array.from({ length: 200 }, () => 1), 5001];
  assertEquals(complaints(fares(slowest, [1])), ["the slowest message"]);
  assertEquals(complaints(fares([1], [1, 2001])), ["the slowest login"]);
  assertEquals(complaints({ errors: ["oh"] }), ["oh"]);
});

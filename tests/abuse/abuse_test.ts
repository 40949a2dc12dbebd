import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { serveManagement } from "../../broker/management/mod.ts";
import { certificate } from "../support/certificates.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { ATTACKS } from "./attacks.ts";
import { fare, percentile } from "./healthy_client.ts";

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
const LOGIN_MS_MAX = 10_000;

const SAW: Readonly<Record<string, string | RegExp>> = {
  "idle connections": "200 logged in",
  "1000 connections a second opened and dropped": /^500, \d+ a second$/,
  "a reader that never reads, MiB for it": /^\d+ still queued$/,
  "a publisher of 128 MiB bodies": "1 confirmed",
  "a client that opens 65 535 channels": "3000 open",
  "one byte at a time": "ended: 10 of 10 who log in so, 10 who publish so",
  "tables nested 10 000 deep": "20 of 20 refused with 502",
  "regex bombs as permissions": "10 of 10 refused",
  "TLS handshakes that stop half-way": /^\d+ of 50 were ended within 12 s$/,
  "HTTP requests that come byte by byte, or not at all": "10 of 40 refused at once, 30 given up",
  "HTTP clients that do not read long lists": "4 of 4 given up",
  // how many there may be, the attack itself knows
  "password guesses of clients that hang up": /^\d+ of 200 guesses looked at in \d+\.\d s$/,
};

for (const attack of ATTACKS) {
  Deno.test(`Others do not lose anything by ${attack.name}`, async () => {
    const logger = new RecordingLogger();
    const broker = new Broker({
      ...attack.options,
      logger,
      ...attack.byTimeout ? { handshakeTimeoutMs: 300, readTimeoutMs: 300 } : {},
      passwordHashing: "rabbitmq-sha256",
    });
    const { port } = await broker.listen({ port: 0 });
    const { port: tlsPort } = await broker.listen({ port: 0, tls: certificate("server") });
    await using management = await serveManagement(broker, {
      port: 0,
      logger,
      limits: {
        connectionMaxPerAddress: 30,
        ...attack.byHttpTimeout
          ? { headTimeoutMs: 500, requestTimeoutMs: 500, writeTimeoutMs: 500 }
          : {},
      },
    });
    const permit = async (pattern: string) => {
      const permission = { user: "guest", configure: pattern, write: ".*", read: ".*" };
      return await broker.setPermissions(permission).then(() => "set", ({ message }) => message);
    };
    let over = false;
    const faring = fare({ hostname: "127.0.0.1", port }, () => !over);
    const { port: managementPort } = management;
    const saw = await attack.run({ port, tlsPort, managementPort, permit }, attack.small)
      .finally(() => over = true);
    const expected = SAW[attack.name];
    if (expected instanceof RegExp) assertEquals(expected.test(saw), true, saw);
    else assertEquals(saw, expected);
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

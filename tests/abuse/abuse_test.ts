import { assertEquals, assertGreater } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { certificate } from "../support/certificates.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { ATTACKS } from "./attacks.ts";
import { fare } from "./healthy_client.ts";

/**
 * A little of each attack, in this process: nobody else loses anything, nothing is logged as a bug, and
 * nothing is left. What the whole costs, `deno task abuse` measures.
 *
 * @module
 */

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
    const permit = async (pattern: string) => {
      const permission = { user: "guest", configure: pattern, write: ".*", read: ".*" };
      return await broker.setPermissions(permission).then(() => "set", ({ message }) => message);
    };
    let over = false;
    const faring = fare({ hostname: "127.0.0.1", port }, () => !over);
    const saw = await attack.run({ port, tlsPort, permit }, attack.small)
      .finally(() => over = true);
    const expected = SAW[attack.name];
    if (expected instanceof RegExp) assertEquals(expected.test(saw), true, saw);
    else assertEquals(saw, expected);
    assertGreater((await faring).messages, 0);
    // waits for connections that are stuck, for ever
    await broker.close();
    assertEquals([...broker.connections()], []);
    assertEquals(logger.of("error"), []);
  });
}

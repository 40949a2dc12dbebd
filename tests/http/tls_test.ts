import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { request } from "node:https";
import type { HttpServer } from "../../broker/http/listen.ts";
import {
  CA,
  type Certificate,
  certificate,
  OTHER_CA,
  revocationList,
  STRICT_CA,
} from "../support/certificates.ts";
import { RawClient, serveHttp } from "./support.ts";

/** Asks a server, as a client that trusts one authority and may show a certificate. */
function ask(
  { port }: HttpServer,
  { ca = CA, as }: { readonly ca?: string; readonly as?: Certificate } = {},
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const own = as === undefined ? {} : certificate(as);
  const options = { host: "127.0.0.1", port, servername: "localhost", ca, agent: false, ...own };
  const asking = request(options, (response) => {
    let text = "";
    response.on("data", (chunk) => text += chunk);
    response.on("end", () => resolve(text));
    response.on("error", reject);
  });
  asking.on("error", reject);
  asking.end();
  return promise;
}

/** The serial number of the certificate that a server shows. */
async function serialOf({ port }: HttpServer): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket: TLSSocket = connectTls({
    host: "127.0.0.1",
    port,
    servername: "localhost",
    ca: CA,
  });
  socket.on("secureConnect", () => resolve(socket.getPeerCertificate().serialNumber));
  socket.on("error", reject);
  try {
    return await promise;
  } finally {
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.destroy();
    await closed;
  }
}

const hello = (request: Request) => new Response(`hello ${new URL(request.url).protocol}`);

Deno.test("an HTTPS server is believed by who trusts its authority, and by nobody else", async () => {
  await using served = await serveHttp(hello, { tls: certificate("server") });
  assertMatch(served.server.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(served.server.secure, true);
  assertEquals(await ask(served.server), "hello https:");
  await assertRejects(() => ask(served.server, { ca: OTHER_CA }));
  assertEquals(await ask(served.server), "hello https:");
});

Deno.test("an HTTPS server lets in who shows a certificate of its authority, and nobody else", async () => {
  await using served = await serveHttp(hello, {
    tls: { ...certificate("server"), ca: CA, verifyPeer: "fail-if-none" },
  });
  assertEquals(await ask(served.server, { as: "ann" }), "hello https:");
  await assertRejects(() => ask(served.server));
  await assertRejects(() => ask(served.server, { as: "stranger" }));
  await assertRejects(() => ask(served.server, { as: "late" }));
  assertMatch(
    served.logger.of("warning").join("\n"),
    /HTTP connection 127\.0\.0\.1:\d+: TLS failed: /,
  );
});

Deno.test("an HTTPS server lets nobody in by a certificate that was taken back", async () => {
  await using served = await serveHttp(hello, {
    tls: {
      ...certificate("server"),
      ca: STRICT_CA,
      crl: revocationList("strict"),
      verifyPeer: "yes",
    },
  });
  assertEquals(await ask(served.server, { as: "carol" }), "hello https:");
  assertEquals(await ask(served.server), "hello https:");
  await assertRejects(() => ask(served.server, { as: "mallory" }));
});

Deno.test("an HTTPS server takes other certificates while connections are open", async () => {
  await using served = await serveHttp(hello, { tls: certificate("server") });
  const { server, logger } = served;
  const before = await serialOf(server);
  await server.reloadCertificates(certificate("renewed"));
  const after = await serialOf(server);
  assertEquals([before === after, await ask(server)], [false, "hello https:"]);
  assertEquals(logger.lines, [`info: ${server.url}: certificates reloaded`]);
  const half = { ...certificate("server"), key: "half a key" };
  await assertRejects(() => server.reloadCertificates(half), TypeError);
  assertEquals(await serialOf(server), after);
  await using plain = await serveHttp(hello);
  await assertRejects(() => plain.server.reloadCertificates(), TypeError, "has none");
});

Deno.test("an HTTPS server gives up handshakes that stop half-way, and counts them", async () => {
  await using served = await serveHttp(hello, {
    tls: certificate("server"),
    limits: { headTimeoutMs: 1000, connectionMaxPerAddress: 2 },
  });
  using first = await RawClient.connect(served.server);
  using second = await RawClient.connect(served.server);
  await first.send("\x16\x03\x01");
  using third = await RawClient.connect(served.server);
  assertEquals(await third.rest(), "");
  assertEquals([await first.rest(), await second.rest()], ["", ""]);
  assertEquals(await ask(served.server), "hello https:");
});

Deno.test("an HTTPS server tells who speaks no TLS in the log, and goes on", async () => {
  await using served = await serveHttp(hello, { tls: certificate("server") });
  using client = await RawClient.connect(served.server);
  await client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await client.rest();
  assertMatch(served.logger.lines.join(), /TLS failed: the peer does not speak TLS$/);
  assertEquals(await ask(served.server), "hello https:");
});

Deno.test("an HTTPS server does not begin with a certificate that cannot be used", async () => {
  const wrong = { ...certificate("server"), key: certificate("ann").key };
  await assertRejects(() => serveHttp(hello, { tls: wrong }), TypeError);
});

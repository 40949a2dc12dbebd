import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { X509Certificate } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import type { Transport } from "../../broker/amqp/transport.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { TlsError } from "../../broker/amqp/tls_error.ts";
import type { TlsOptions } from "../../broker/net/tls_context.ts";
import {
  CA,
  certificate,
  certificateOctets,
  certificatePath,
  ENCRYPTED_KEY,
  revocationList,
  STRICT_CA,
} from "../support/certificates.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { listen, type Listening, readAll } from "./support.ts";
import { clientHello, dialTcp, dialTls, MUTUAL_TLS, PLAIN_TLS } from "./tls_support.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Waits until something was logged. */
async function logged({ logger }: Listening, pattern: RegExp): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const look = () => {
    const line = logger.lines.find((one) => pattern.test(one));
    if (line !== undefined) resolve(line);
  };
  const log = logger.log.bind(logger);
  logger.log = (level, text) => {
    log(level, text);
    look();
  };
  look();
  return await promise;
}

Deno.test("Listener carries the bytes of TLS both ways, and tells what was agreed on", async () => {
  await using listening = await listen({ port: 0, tls: PLAIN_TLS });
  const { accepted, listener } = listening;
  assertEquals(listener.url, `amqps://127.0.0.1:${listener.port}`);
  const client = await dialTls(listener.port);
  const server = await accepted.next();
  assertEquals(server.peer, client.local);
  const facts = { protocol: "TLSv1.3", peerCertificate: undefined };
  const { cipherSuite, ...rest } = server.tls!;
  assertEquals(rest, facts);
  assertMatch(cipherSuite, /^TLS_(AES|CHACHA20)_/);
  assertEquals(client.tls!.peerCertificate, certificateOctets("server"));

  await client.write(encoder.encode("ping"));
  assertEquals(decoder.decode(await readAll(server, 4)), "ping");
  await server.write(encoder.encode("pong"));
  assertEquals(decoder.decode(await readAll(client, 4)), "pong");
  await client.close();
  assertEquals(await server.read(new Uint8Array(1)), null, "an end, not an error");
  await server.close();
});

Deno.test("TlsStream carries megabytes whole, in reads and writes of any size", async () => {
  await using listening = await listen({ port: 0, tls: PLAIN_TLS });
  const client = await dialTls(listening.listener.port);
  const server = await listening.accepted.next();
  // what a server sends behind the handshake must have come: who closes before loses what it sent
  await server.write(Uint8Array.of(1));
  await readAll(client, 1);
  const sent = Uint8Array.from({ length: 3_000_000 }, (_, at) => at * 7 % 251);
  const sending = (async () => {
    for (let at = 0, size = 1; at < sent.length; size = size * 3 % 700_001 + 1) {
      at += await client.write(sent.subarray(at, at + size));
    }
    await client.close();
  })();
  const received: Uint8Array[] = [];
  for (let size = 1;; size = size * 5 % 100_003 + 1) {
    const into = new Uint8Array(size);
    const count = await server.read(into);
    if (count === null) break;
    received.push(into.subarray(0, count));
  }
  await sending;
  await server.close();
  const whole = new Uint8Array(await new Blob(received as BlobPart[]).arrayBuffer());
  assertEquals([whole.length, whole.every((octet, at) => octet === sent[at])], [sent.length, true]);
});

Deno.test("TlsStream.write() waits for a peer that does not read, and close() does not", async () => {
  await using listening = await listen({ port: 0, tls: PLAIN_TLS });
  const client = await dialTls(listening.listener.port);
  const server = await listening.accepted.next();
  // so little that some fits wherever the system keeps it
  const part = new Uint8Array(4096);
  let written = 0;
  let ended = false;
  const writing = (async () => {
    while (true) written += await server.write(part);
  })().catch(() => ended = true);
  await still(() => written);
  assertGreater(written, 0);
  assertLess(written, 64 * 1024 * 1024);
  assertEquals(ended, false);
  await server.close();
  await writing;
  await client.close();
});

Deno.test("a reader that pauses makes the peer of TlsStream pause", async () => {
  await using listening = await listen({ port: 0, tls: PLAIN_TLS });
  const client = await dialTls(listening.listener.port);
  const server = await listening.accepted.next();
  const part = new Uint8Array(256 * 1024);
  let written = 0;
  const writing = (async () => {
    while (written < 32 * 1024 * 1024) written += await client.write(part);
  })();
  await still(() => written);
  assertLess(written, 32 * 1024 * 1024, "nobody has read anything");
  const read = skim(server, 32 * 1024 * 1024);
  await writing;
  assertEquals(await read, 32 * 1024 * 1024);
  await client.close();
  await server.close();
});

/** Resolves when a number does not change any more: what is on its way is in buffers of the system. */
async function still(number: () => number): Promise<void> {
  let before = number();
  for (let same = 0; same < 20; same++) {
    await pollSockets();
    if (number() !== before) same = 0;
    before = number();
  }
}

/** Reads so many bytes and forgets them. */
async function skim(transport: Transport, count: number): Promise<number> {
  const into = new Uint8Array(64 * 1024);
  let total = 0;
  while (total < count) total += await transport.read(into) ?? count;
  return total;
}

/** At the beginning of time no certificate is valid yet. */
function clockOfToday(): ManualClock {
  const clock = new ManualClock();
  clock.advance(Date.parse("2026-01-01"));
  return clock;
}

interface HandshakeCase {
  readonly name: string;
  readonly server: TlsOptions;
  readonly client: Parameters<typeof dialTls>[1];
  /** What is verified of the client; or what the log says. */
  readonly expect: Uint8Array | undefined | RegExp;
}

const FAIL_IF_NONE: TlsOptions = { ...MUTUAL_TLS, verifyPeer: "fail-if-none" };

/** One whose authority takes certificates back. */
const STRICT_TLS: TlsOptions = {
  ...PLAIN_TLS,
  ca: STRICT_CA,
  verifyPeer: "yes",
  crl: revocationList("strict"),
};

const HANDSHAKES: readonly HandshakeCase[] = [
  {
    name: "asks for no certificate, and has none though one was offered",
    server: PLAIN_TLS,
    client: certificate("ann"),
    expect: undefined,
  },
  {
    name: "with verifyPeer yes has the certificate that was shown",
    server: MUTUAL_TLS,
    client: certificate("ann"),
    expect: certificateOctets("ann"),
  },
  {
    name: "with verifyPeer yes lets in whoever shows none",
    server: MUTUAL_TLS,
    client: {},
    expect: undefined,
  },
  {
    name: "with verifyPeer fail-if-none lets in whoever shows one",
    server: FAIL_IF_NONE,
    client: { ...certificate("ann"), minVersion: "TLSv1.3" },
    expect: certificateOctets("ann"),
  },
  {
    name: "takes a certificate with an intermediate one",
    server: FAIL_IF_NONE,
    client: certificate("bob"),
    expect: certificateOctets("bob"),
  },
  {
    name: "with verifyPeer fail-if-none keeps out whoever shows none",
    server: FAIL_IF_NONE,
    client: {},
    expect: /TLS failed: the peer has no certificate$/,
  },
  {
    name: "with a revocation list takes who is not on it",
    server: STRICT_TLS,
    client: certificate("carol"),
    expect: certificateOctets("carol"),
  },
  {
    name: "with a revocation list lets in whoever shows nothing, if it must not be",
    server: STRICT_TLS,
    client: {},
    expect: undefined,
  },
  {
    name: "takes a certificate that is on a newer list than it has",
    server: { ...STRICT_TLS, crl: revocationList("empty") },
    client: certificate("mallory"),
    expect: certificateOctets("mallory"),
  },
  {
    name: "of two lists of one authority takes the one that counts longer",
    server: { ...STRICT_TLS, crl: revocationList("strict") + revocationList("outdated") },
    client: certificate("mallory"),
    expect: /TLS failed: the peer's certificate was revoked \(CERT_REVOKED\)$/,
  },
  ...["TLSv1.2", "TLSv1.3"].map((minVersion) => ({
    name: `keeps out who is on a revocation list, with ${minVersion}`,
    server: STRICT_TLS,
    client: { ...certificate("mallory"), minVersion: minVersion as "TLSv1.3" },
    expect: /TLS failed: the peer's certificate was revoked \(CERT_REVOKED\)$/,
  })),
  {
    name: "with a revocation list that is too old takes nobody",
    server: { ...STRICT_TLS, crl: revocationList("outdated") },
    client: certificate("carol"),
    expect: /certificate may have been revoked: the list of its issuer is too old/,
  },
  {
    name: "keeps out those of whom no revocation list is there",
    server: { ...STRICT_TLS, ca: STRICT_CA + CA },
    client: certificate("ann"),
    expect: /certificate may have been revoked: there is no list of its issuer/,
  },
  {
    name: "tells of a certificate that the runtime would believe of nobody",
    server: MUTUAL_TLS,
    client: certificate("version1"),
    expect: /certificate is of version 1 of X\.509, which .* \(UNSUPPORTED_CERT_VERSION\)$/,
  },
  ...[MUTUAL_TLS, FAIL_IF_NONE].flatMap((server) => [
    {
      name: `with verifyPeer ${server.verifyPeer} keeps out a certificate of somebody else's`,
      server,
      client: certificate("stranger"),
      expect: /TLS failed: the peer's certificate is .*signed by nobody who is trusted/,
    },
    {
      name: `with verifyPeer ${server.verifyPeer} keeps out an expired certificate`,
      server,
      client: certificate("late"),
      expect: /TLS failed: the peer's certificate has expired \(CERT_HAS_EXPIRED\)/,
    },
    {
      name: `with verifyPeer ${server.verifyPeer} keeps out the certificate of a server`,
      server,
      client: certificate("server"),
      expect: /TLS failed: the peer's certificate is not valid today, not for this,/,
    },
  ]),
];

for (const { name, server, client, expect } of HANDSHAKES) {
  Deno.test(`Listener ${name}`, async () => {
    await using listening = await listen({ port: 0, tls: server });
    const { accepted, listener } = listening;
    const transport = await dialTls(listener.port, client);
    if (expect instanceof RegExp) {
      assertMatch(await logged(listening, /TLS failed/), expect);
      assertEquals(await transport.read(new Uint8Array(1)).catch(() => null), null);
    } else {
      const ready = await accepted.next();
      assertEquals(ready.tls!.peerCertificate, expect);
      await ready.close();
    }
    await transport.close();
  });
}

Deno.test("Listener with minVersion TLSv1.3 does not speak 1.2, and without it does", async () => {
  const tls = await import("node:tls");
  const speak = (port: number) =>
    new Promise<string>((resolve) => {
      const socket = tls.connect({ host: "127.0.0.1", port, ca: CA, maxVersion: "TLSv1.2" });
      socket.on("secureConnect", () => {
        resolve(socket.getProtocol() ?? "");
        socket.destroy();
      });
      socket.on("error", () => resolve("refused"));
    });
  {
    await using listening = await listen({ port: 0, tls: PLAIN_TLS });
    assertEquals(await speak(listening.listener.port), "TLSv1.2");
    await (await listening.accepted.next()).close();
  }
  await using listening = await listen({ port: 0, tls: { ...PLAIN_TLS, minVersion: "TLSv1.3" } });
  assertEquals(await speak(listening.listener.port), "refused");
  await logged(listening, /TLS failed/);
});

Deno.test("Listener says that a peer speaks no TLS, and not a word of one that just leaves", async () => {
  await using listening = await listen({ port: 0, tls: PLAIN_TLS });
  const { listener, logger } = listening;
  const silent = await dialTcp(listener.port);
  silent.close();
  const amqp = await dialTcp(listener.port);
  await amqp.write(encoder.encode("AMQP\0\0\x09\x01"));
  const line = await logged(listening, /TLS failed/);
  const { hostname, port } = amqp.local;
  assertEquals(
    line,
    `warning: connection ${hostname}:${port}: TLS failed: the peer does not speak TLS`,
  );
  const alert = await readAll(amqp);
  assertEquals(alert.subarray(0, 3), Uint8Array.of(0x15, 3, 3), "which TLS calls an alert");
  amqp.close();
  assertEquals(logger.lines.length, 1);
});

Deno.test("a handshake that stops half-way, at whichever octet, ends in time and holds up nobody", async () => {
  const hello = await clientHello();
  const clock = clockOfToday();
  await using listening = await listen({ port: 0, tls: PLAIN_TLS }, { clock, timeoutMs: 5000 });
  const { listener, accepted, logger } = listening;
  const lengths = [0, 1, 4, 5, 6, 40, hello.length - 1, hello.length];
  const stuck = await Promise.all(lengths.map(async (length) => {
    const peer = await dialTcp(listener.port);
    if (length > 0) await peer.write(hello.subarray(0, length));
    return peer;
  }));

  const client = await dialTls(listener.port);
  const server = await accepted.next();
  assertEquals(logger.lines, []);
  assertEquals(clock.timers, stuck.length);
  clock.advance(5000);
  assertEquals(logger.lines.length, stuck.length);
  for (const line of logger.lines) assertMatch(line, /: not ready for AMQP within 5000 ms$/);
  for (const peer of stuck) {
    await readAll(peer).catch(() => {});
    peer.close();
  }
  await server.write(encoder.encode("still here"));
  assertEquals(decoder.decode(await readAll(client, 10)), "still here");
  assertEquals(logger.lines.length, stuck.length, "and each is logged once");
  const closing = [client.close(), server.close()];
  clock.advance(1000);
  await Promise.all(closing);
});

for (const openingMax of [1000, 3]) {
  Deno.test(`handshakes that stop, ${openingMax} of them, make room for the next one`, () =>
    makeRoom(openingMax));
}

async function makeRoom(openingMax: number): Promise<void> {
  const clock = clockOfToday();
  await using listening = await listen({ port: 0, tls: PLAIN_TLS }, { clock, openingMax });
  const { listener, accepted } = listening;
  const stuck = await Promise.all(Array.from({ length: openingMax + 1 }, async () => {
    const peer = await dialTcp(listener.port);
    await peer.write(Uint8Array.of(0x16, 3, 1));
    return peer;
  }));
  const line = await logged(listening, /not ready/);
  assert(line.endsWith(`: not ready for AMQP, as ${openingMax} others`), line);
  const client = await dialTls(listener.port);
  const server = await accepted.next();
  for (const peer of stuck) peer.close();
  const closing = [client.close(), server.close()];
  clock.advance(1000);
  await Promise.all(closing);
}

Deno.test("Listener.reloadCertificates() counts for whoever comes next, and nobody loses anything", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-tls-" });
  const [certFile, keyFile] = [`${directory}/cert.pem`, `${directory}/key.pem`];
  const install = async (name: string) => {
    await Deno.copyFile(certificatePath(`${name}.pem`), certFile);
    await Deno.copyFile(certificatePath(`${name}.key`), keyFile);
  };
  await install("server");
  await using listening = await listen({ port: 0, tls: { certFile, keyFile } });
  const { listener, accepted, logger } = listening;
  const before = await dialTls(listener.port);
  const beforeServer = await accepted.next();

  await install("renewed");
  await listener.reloadCertificates();
  assertEquals(logger.lines, [`info: ${listener.url}: certificates reloaded`]);
  const after = await dialTls(listener.port);
  const afterServer = await accepted.next();
  assertEquals(before.tls!.peerCertificate, certificateOctets("server"));
  assertEquals(after.tls!.peerCertificate, certificateOctets("renewed"));
  await beforeServer.write(encoder.encode("open"));
  assertEquals(decoder.decode(await readAll(before, 4)), "open");

  // half-way through a renewal: the certificate is there, its key is not yet
  await Deno.copyFile(certificatePath("server.pem"), certFile);
  const error = await assertRejects(() => listener.reloadCertificates(), TypeError);
  assertMatch(error.message, /^Cannot reload certificates: the key of .* does not belong/);
  await Deno.remove(keyFile);
  await assertRejects(() => listener.reloadCertificates(), Error, "No such file");
  const still = await dialTls(listener.port);
  const stillServer = await accepted.next();
  assertEquals(still.tls!.peerCertificate, certificateOctets("renewed"));

  await listener.reloadCertificates(certificate("server"));
  const given = await dialTls(listener.port);
  const givenServer = await accepted.next();
  assertEquals(given.tls!.peerCertificate, certificateOctets("server"));
  const all = [before, beforeServer, after, afterServer, still, stillServer, given, givenServer];
  await Promise.all(all.map((one) => one.close()));
  await Deno.remove(directory, { recursive: true });
});

Deno.test("Listener without TLS has no certificates to reload", async () => {
  await using listening = await listen();
  await assertRejects(() => listening.listener.reloadCertificates(), TypeError, "has none");
});

const SERVER = certificate("server");

/** The same list, of which the last octet of the first number in it is another one. */
function forged(crl: string): string {
  const [, base64 = ""] = /-----BEGIN X509 CRL-----([^-]*)/.exec(crl)!;
  const bytes = Uint8Array.fromBase64(base64);
  const serial = new X509Certificate(certificate("mallory").cert).serialNumber;
  const octets = Uint8Array.fromHex(serial.length % 2 === 0 ? serial : `0${serial}`);
  const at = bytes.findIndex((_, at) => octets.every((octet, more) => bytes[at + more] === octet));
  bytes[at + octets.length - 1]! ^= 1;
  return `-----BEGIN X509 CRL-----\n${bytes.toBase64()}\n-----END X509 CRL-----\n`;
}

const UNUSABLE: readonly (readonly [what: string, tls: TlsOptions, message: string])[] = [
  ["nothing", {}, "the certificate is missing"],
  ["no key", { cert: SERVER.cert }, "the private key is missing"],
  ["somebody else's key", { ...SERVER, key: certificate("ann").key }, "does not belong to the"],
  ["a key that is none", { ...SERVER, key: SERVER.cert }, "key has no private key in PEM"],
  ["a certificate that is none", { ...SERVER, cert: "PEM" }, "cert has no certificate in PEM"],
  [
    "a damaged certificate",
    { ...SERVER, cert: SERVER.cert.replace(/MII.{8}/, "MIIxxxxxxxx") },
    "certificate 1 of cert is damaged",
  ],
  ["a damaged CA", { ...SERVER, ca: "CA" }, "ca has no certificate in PEM"],
  ["a file that is missing", { certFile: "/missing.pem", key: SERVER.key }, "No such file"],
  ["text and file", { ...SERVER, certFile: "server.pem" }, "cert and certFile are both given"],
  [
    "an encrypted key without a passphrase",
    { ...SERVER, key: ENCRYPTED_KEY.key },
    "the key of key is encrypted, and there is no passphrase",
  ],
  [
    "an encrypted key with another passphrase",
    { ...SERVER, ...ENCRYPTED_KEY, passphrase: "turnip" },
    "the key of key is encrypted with another passphrase, or in a way",
  ],
  ["half of another certificate", { ...SERVER, others: [{ cert: SERVER.cert }] }, "key is missing"],
  ["crl without asking", { ...STRICT_TLS, verifyPeer: "no" }, "crl needs verifyPeer"],
  ["crl that is none", { ...STRICT_TLS, crl: "CRL" }, "crl has no revocation list in PEM"],
  ["crl of somebody else", { ...STRICT_TLS, ca: CA }, "list 1 of crl is of nobody who is trusted"],
  [
    "a damaged crl",
    { ...STRICT_TLS, crl: revocationList("strict").replace(/MI.{9}/, "MIIxxxxxxxx") },
    "revocation list 1 of crl is damaged",
  ],
  [
    "a crl that somebody has changed",
    { ...STRICT_TLS, crl: forged(revocationList("strict")) },
    "revocation list 1 of crl has a signature that does not fit",
  ],
  ["verifyPeer without ca", { ...SERVER, verifyPeer: "yes" }, 'verifyPeer "yes" needs ca'],
  ["an odd verifyPeer", { ...SERVER, verifyPeer: "sure" as "yes" }, 'verifyPeer is "sure"'],
  ["an odd version", { ...SERVER, minVersion: "TLSv1" as "TLSv1.2" }, 'minVersion is "TLSv1"'],
];

for (const [what, tls, message] of UNUSABLE) {
  Deno.test(`Listener refuses TLS with ${what}`, async () => {
    const error = await assertRejects(() => listen({ port: 0, tls }), Error, message);
    assert(error.message.startsWith("Cannot listen: "));
  });
}

Deno.test("Listener has its key encrypted, and the passphrase in a file, read again with it", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-tls-" });
  const [keyFile, passphraseFile] = [`${directory}/key.pem`, `${directory}/passphrase`];
  await Deno.writeTextFile(keyFile, ENCRYPTED_KEY.key);
  await Deno.writeTextFile(passphraseFile, "carrot\nwhat else is there\n");
  const tls = { cert: SERVER.cert, keyFile, passphraseFile };
  await using listening = await listen({ port: 0, tls });
  const { listener, accepted, logger } = listening;
  const [one, oneServer] = [await dialTls(listener.port), await accepted.next()];
  assertEquals(one.tls!.peerCertificate, certificateOctets("server"));

  await Deno.writeTextFile(passphraseFile, "turnip\n");
  const error = await assertRejects(() => listener.reloadCertificates(), TypeError);
  assertMatch(error.message, /is encrypted with another passphrase/);
  assertEquals([error.message, ...logger.lines].filter((line) => /turnip|carrot/.test(line)), []);
  await Promise.all([one.close(), oneServer.close()]);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("Listener shows the certificate of the name that a client asks for", async () => {
  const others = [certificate("elsewhere")];
  await using listening = await listen({ port: 0, tls: { ...PLAIN_TLS, others } });
  const { listener, accepted } = listening;
  const shown = async (serverName: string, verifyServer: "yes" | "any-name" = "yes") => {
    const client = await dialTls(listener.port, { serverName, verifyServer });
    const server = await accepted.next();
    await Promise.all([client.close(), server.close()]);
    return client.tls!.peerCertificate;
  };
  assertEquals(await shown("elsewhere.example"), certificateOctets("elsewhere"));
  assertEquals(await shown("localhost"), certificateOctets("server"));
  // an address is no name, and a name that nobody has gets the first
  assertEquals(await shown("127.0.0.1"), certificateOctets("server"));
  assertEquals(await shown("nobody.example", "any-name"), certificateOctets("server"));
  await listener.reloadCertificates({ ...certificate("renewed"), others });
  assertEquals(await shown("localhost"), certificateOctets("renewed"));
  assertEquals(await shown("ELSEWHERE.example"), certificateOctets("elsewhere"));
});

Deno.test("Listener with minVersion and verifyPeer has them for the names of others, too", async () => {
  const others = [certificate("elsewhere")];
  const tls: TlsOptions = { ...FAIL_IF_NONE, others, minVersion: "TLSv1.3" };
  await using listening = await listen({ port: 0, tls });
  const { listener, accepted } = listening;
  const options = { serverName: "elsewhere.example" };
  const client = await dialTls(listener.port, { ...options, ...certificate("ann") });
  const server = await accepted.next();
  assertEquals(server.tls!.peerCertificate, certificateOctets("ann"));
  assertEquals(client.tls!.protocol, "TLSv1.3");
  await Promise.all([client.close(), server.close()]);
  const stranger = await dialTls(listener.port, { ...options, ...certificate("stranger") });
  assertMatch(await logged(listening, /TLS failed/), /signed by nobody who is trusted/);
  await stranger.close();
});

Deno.test("Listener warns of a revocation list that is too old, and takes a new one", async () => {
  const tls = { ...STRICT_TLS, crl: revocationList("outdated") };
  await using listening = await listen({ port: 0, tls }, { clock: clockOfToday() });
  const { listener, logger } = listening;
  assertMatch(
    logger.lines[0]!,
    /^warning: amqps:.*: the revocation list of 'CN=Strict CA' is of no use any more: .* by 2021-01-01/,
  );
  await listener.reloadCertificates({ ...tls, crl: revocationList("strict") });
  assertEquals(logger.lines.length, 2);
});

Deno.test("encrypt() has its key encrypted, and believes no certificate that was revoked", async () => {
  await using listening = await listen({
    port: 0,
    tls: { ...certificate("withdrawn"), ca: CA, verifyPeer: "yes" },
  }, { onTransport: (transport) => void transport.close() });
  const { port } = listening.listener;
  const options = { ca: STRICT_CA };
  const refused = async (crl: string, message: RegExp) => {
    const error = await assertRejects(() => dialTls(port, { ...options, crl }), TlsError);
    assertMatch(error.message, message);
  };
  await refused(revocationList("strict"), /^Cannot connect: .* was revoked \(CERT_REVOKED\)$/);
  await refused(revocationList("outdated"), /may have been revoked: the list .* too old/);
  const key = { cert: SERVER.cert, ...ENCRYPTED_KEY };
  const crl = revocationList("empty");
  const client = await dialTls(port, { ...options, crl });
  await client.close();
  await assertRejects(
    () => dialTls(port, { ...options, ...key, passphrase: "turnip" }),
    TypeError,
    "Cannot connect: the key of tls.key is encrypted with another passphrase",
  );
});

Deno.test("Listener warns of its own certificate that has expired", async () => {
  await using listening = await listen({ port: 0, tls: certificate("outdated") });
  assertMatch(
    listening.logger.lines[0]!,
    /^warning: amqps:.*: the certificate has expired: it was/,
  );
});

Deno.test("Listener takes the header of a proxy before TLS, and a WebSocket inside it", async () => {
  const proxyProtocol = { trusted: ["127.0.0.1"] };
  await using listening = await listen({ port: 0, tls: MUTUAL_TLS, proxyProtocol });
  const below = await dialTcp(listening.listener.port);
  await below.write(encoder.encode("PROXY TCP4 192.0.2.7 192.0.2.1 51234 5671\r\n"));
  const { encrypt } = await import("../../client/dial_tls.ts");
  const { systemClock } = await import("../../broker/amqp/clock.ts");
  const client = await encrypt(below, "localhost", { ca: CA, ...certificate("ann") }, {
    clock: systemClock,
    signal: new AbortController().signal,
  });
  const server = await listening.accepted.next();
  assertEquals(server.peer, { hostname: "192.0.2.7", port: 51_234 });
  assertEquals(server.tls!.peerCertificate, certificateOctets("ann"));
  await client.close();
  await server.close();
});

Deno.test("encrypt() does not believe everybody, and says why", async () => {
  const served = async (name: "server" | "elsewhere" | "outdated") =>
    await listen({ port: 0, tls: certificate(name) });
  const refused = async (
    name: Parameters<typeof served>[0],
    options: Parameters<typeof dialTls>[1],
    message: RegExp,
  ) => {
    await using listening = await served(name);
    const { port } = listening.listener;
    const error = await assertRejects(() => dialTls(port, options), TlsError);
    assertMatch(error.message, message);
  };
  await refused(
    "elsewhere",
    {},
    /^Cannot connect: the certificate of localhost is not for localhost/,
  );
  await refused("outdated", {}, /the certificate of localhost is not valid today, .*\(UNABLE_TO_/);
  await refused("server", { ca: certificate("stranger").cert }, /signed by nobody who is trusted/);
  await refused("server", { serverName: "elsewhere.example" }, /is not for elsewhere\.example/);
});

Deno.test("encrypt() believes more when it is told to", async () => {
  for (
    const options of [
      { serverName: "elsewhere.example" },
      { verifyServer: "any-name" },
      { ca: certificate("stranger").cert, verifyServer: "no" },
    ] as const
  ) {
    await using listening = await listen({ port: 0, tls: certificate("elsewhere") });
    const client = await dialTls(listening.listener.port, options);
    await (await listening.accepted.next()).close();
    await client.close();
  }
});

Deno.test("encrypt() with minVersion TLSv1.3 does not speak with who has 1.2 alone, and without it does", async () => {
  const server = createServer({ ...certificate("server"), maxVersion: "TLSv1.2" });
  server.on("tlsClientError", () => {});
  server.on("secureConnection", (socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const client = await dialTls(port);
    assertEquals(client.tls!.protocol, "TLSv1.2");
    await client.close();
    await assertRejects(() => dialTls(port, { minVersion: "TLSv1.3" }), TlsError);
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Broker } from "../../broker/broker.ts";
import type { TlsOptions } from "../../broker/net/tls_context.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import type { BrokerServer } from "../../broker/server.ts";
import { connect } from "../../client/connect.ts";
import type { ClientTlsOptions, ConnectOptions } from "../../client/options.ts";
import { CA, type Certificate, certificate, certificatePath } from "../support/certificates.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const MUTUAL: TlsOptions = { ...certificate("server"), ca: CA, verifyPeer: "yes" };
const EXTERNAL: BrokerOptions = {
  mechanisms: ["PLAIN", "AMQPLAIN", "EXTERNAL"],
  certificateLogin: "common_name",
  passwordHashing: "rabbitmq-sha256",
};

/** A broker behind TLS, whose users have no password. */
class SecureBroker implements AsyncDisposable {
  readonly logger = new RecordingLogger();
  readonly broker: Broker;
  readonly server: BrokerServer;

  private constructor(broker: Broker, server: BrokerServer, logger: RecordingLogger) {
    this.broker = broker;
    this.server = server;
    this.logger = logger;
  }

  static async start(
    users: readonly string[],
    options: BrokerOptions = EXTERNAL,
    tls: TlsOptions = MUTUAL,
  ): Promise<SecureBroker> {
    const logger = new RecordingLogger();
    const broker = new Broker({ ...options, logger });
    for (const user of users) {
      await broker.addUser(user);
      await broker.setPermissions({ user, configure: ".*", write: ".*", read: ".*" });
    }
    return new SecureBroker(broker, await broker.listen({ port: 0, tls }), logger);
  }

  connect(
    options: Omit<ConnectOptions, "tls"> & { readonly tls: ClientTlsOptions },
  ) {
    const { port } = this.server;
    return connect({ hostname: "localhost", port, ...options, tls: { ca: CA, ...options.tls } });
  }

  /** Who a client is that shows a certificate and logs in by it. */
  async userOf(name: Certificate): Promise<string> {
    await using _ = await this.connect({ tls: certificate(name), mechanism: "EXTERNAL" });
    const { connections } = await this.broker.snapshot({ only: ["connections"] });
    return connections.map(({ user }) => user).join();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.broker.close();
  }
}

Deno.test("EXTERNAL lets in whom the certificate names, by the part that the broker is told", async () => {
  const cases: readonly (readonly [BrokerOptions["certificateLogin"], Certificate, string])[] = [
    [undefined, "ann", "CN=ann,OU=Digging,O=Burrow\\, Ltd,C=GB"],
    ["distinguished_name", "bob", "CN=bob"],
    ["common_name", "ann", "ann"],
    ["common_name", "odd", "odd,odder"],
    [{ alternativeName: "email" }, "ann", "ann@example.com"],
    [{ alternativeName: "dns", index: 1 }, "ann", "ann2.example"],
  ];
  for (const [certificateLogin, name, user] of cases) {
    const { certificateLogin: _, ...others } = EXTERNAL;
    const options = certificateLogin === undefined ? others : { ...others, certificateLogin };
    await using secure = await SecureBroker.start([user], options);
    assertEquals(await secure.userOf(name), user);
  }
});

Deno.test("EXTERNAL keeps out whom the certificate names if there is no such user, and says so", async () => {
  await using secure = await SecureBroker.start(["bob"]);
  const refused = await assertRejects(() => secure.userOf("ann"), AmqpError);
  assertMatch(refused.message, /Login was refused using authentication mechanism EXTERNAL\./);
  assertMatch(
    secure.logger.of("warning").join("\n"),
    /user 'ann', whom the client certificate names, does not exist$/,
  );
  // a name that is no part of the certificate
  await using other = await SecureBroker.start(["bob"], {
    ...EXTERNAL,
    certificateLogin: { alternativeName: "dns" },
  });
  await assertRejects(() => other.userOf("bob"), AmqpError, "Login was refused");
  assertMatch(other.logger.of("warning").join("\n"), /the client certificate names no user$/);
});

Deno.test("EXTERNAL is offered only to clients with a certificate, and only by who was told to", async () => {
  const offered = async (secure: SecureBroker, tls: ClientTlsOptions): Promise<string> => {
    // a mechanism that is not there is refused with all that are
    const refused = await assertRejects(
      () => secure.connect({ tls, mechanism: "EXTERNAL" }),
      AmqpError,
    );
    return refused.message.split("only ")[1]!;
  };
  await using secure = await SecureBroker.start(["ann"]);
  assertEquals(await offered(secure, {}), "AMQPLAIN PLAIN");
  assertEquals(await secure.userOf("ann"), "ann");
  await using usual = await SecureBroker.start(["ann"], {});
  assertEquals(await offered(usual, certificate("ann")), "AMQPLAIN PLAIN");
  await using unasked = await SecureBroker.start(["ann"], EXTERNAL, certificate("server"));
  assertEquals(await offered(unasked, certificate("ann")), "AMQPLAIN PLAIN");
});

Deno.test("EXTERNAL alone keeps passwords out, and clients without a certificate", async () => {
  await using secure = await SecureBroker.start(["ann"], { ...EXTERNAL, mechanisms: ["EXTERNAL"] });
  assertEquals(await secure.userOf("ann"), "ann");
  const tls = certificate("ann");
  await assertRejects(() => secure.connect({ tls }), AmqpError, "no login by password");
  await assertRejects(() => secure.connect({ tls: {} }), AmqpError, "no login by password");
});

Deno.test("a user of loopback alone is kept out of elsewhere with a certificate, too", async () => {
  const options = { ...EXTERNAL, loopbackUsers: ["ann"] };
  const logger = new RecordingLogger();
  await using broker = new Broker({ ...options, logger });
  await broker.addUser("ann");
  const proxyProtocol = { trusted: ["127.0.0.1"] };
  await using server = await broker.listen({ port: 0, tls: MUTUAL, proxyProtocol });
  const { dialTcp } = await import("../net/tls_support.ts");
  const { encrypt } = await import("../../client/dial_tls.ts");
  const { connectOver } = await import("../../client/open.ts");
  const { resolveOptions } = await import("../../client/options.ts");
  const resolved = resolveOptions({ mechanism: "EXTERNAL" });
  const below = await dialTcp(server.port);
  await below.write(new TextEncoder().encode("PROXY TCP4 192.0.2.7 192.0.2.1 51234 5671\r\n"));
  const transport = await encrypt(below, "localhost", { ca: CA, ...certificate("ann") }, {
    clock: resolved.clock,
    signal: new AbortController().signal,
  });
  await assertRejects(() => connectOver(transport, resolved), AmqpError, "Login was refused");
  assertEquals(logger.of("warning"), [
    "warning: connection 192.0.2.7:51234: user 'ann' can only connect via localhost",
  ]);
});

Deno.test("an authenticator of one's own sees the certificate", async () => {
  const seen: unknown[] = [];
  await using secure = await SecureBroker.start([], {
    authenticator: {
      mechanisms: ["EXTERNAL"],
      authenticate({ mechanism, certificate }) {
        seen.push([mechanism, certificate?.subject, certificate?.loginName("common_name")]);
        return { name: "whoever" };
      },
    },
  });
  assertEquals(await secure.userOf("bob"), "whoever");
  assertEquals(seen, [["EXTERNAL", "CN=bob", "bob"]]);
});

Deno.test("connections tell how they are encrypted and whose certificate came, as in RabbitMQ", async () => {
  await using secure = await SecureBroker.start(["ann"]);
  await using _ = await secure.connect({ tls: certificate("ann"), mechanism: "EXTERNAL" });
  const { connections: [found], listeners } = await secure.broker.snapshot();
  const { authMechanism, ssl, sslProtocol, sslKeyExchange, sslCipher, sslHash } = found!;
  assertEquals(
    { authMechanism, ssl, sslProtocol, sslKeyExchange, sslHash },
    {
      authMechanism: "EXTERNAL",
      ssl: true,
      sslProtocol: "tlsv1.3",
      sslKeyExchange: "any",
      sslHash: "aead",
    },
  );
  assertMatch(sslCipher!, /^(aes_256_gcm|aes_128_gcm|chacha20_poly1305)$/);
  const { peerCertSubject, peerCertIssuer, peerCertValidity } = found!;
  assertMatch(found!.peerCertSerialNumber!, /^[1-9A-F][0-9A-F]*$/);
  assertEquals([peerCertSubject, peerCertIssuer, peerCertValidity], [
    "CN=ann,OU=Digging,O=Burrow\\, Ltd,C=GB",
    "CN=Burrow CA",
    "2020-01-01T00:00:00Z - 2120-01-01T00:00:00Z",
  ]);
  assertMatch(listeners[0]!.url, /^amqps:/);
});

Deno.test("Broker.reloadCertificates() reloads all that have files, and goes on after one that fails", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-tls-" });
  const paths = (name: string) => ({
    certFile: `${directory}/${name}.pem`,
    keyFile: `${directory}/${name}.key`,
  });
  const install = async (name: string, as: Certificate) => {
    const { certFile, keyFile } = paths(name);
    await Deno.copyFile(certificatePath(`${as}.pem`), certFile);
    await Deno.copyFile(certificatePath(`${as}.key`), keyFile);
  };
  const logger = new RecordingLogger();
  await using broker = new Broker({ logger });
  const servers: BrokerServer[] = [await broker.listen({ port: 0 })];
  for (const name of ["one", "other"]) {
    await install(name, "server");
    servers.push(await broker.listen({ port: 0, tls: paths(name) }));
  }
  const open = await connect(servers[2]!.url.replace("127.0.0.1", "localhost"), {
    tls: { ca: CA },
  });

  await Deno.writeTextFile(paths("one").keyFile, "half a key");
  await install("other", "elsewhere");
  const error = await assertRejects(() => broker.reloadCertificates(), TypeError);
  assertMatch(error.message, /^Cannot reload certificates: .*no private key in PEM/);
  assertEquals(logger.lines.filter((line) => line.includes("certificates")), [
    `info: ${servers[2]!.url}: certificates reloaded`,
    `error: ${servers[1]!.url}: ${error.message}`,
  ]);

  const tls = { ca: CA };
  const [, one, other] = servers.map(({ port }) => ({ hostname: "localhost", port, tls }));
  await (await connect(one)).close();
  await assertRejects(() => connect(other), Error, "is not for localhost");
  assertEquals((await (await open.openChannel()).queueDeclare()).messageCount, 0);
  await open.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("Broker.close() tells clients behind TLS, with 320", async () => {
  const secure = await SecureBroker.start([]);
  const connection = await secure.connect({ tls: {}, recovery: false });
  await secure.broker.close();
  const reason = await connection.closed;
  assertInstanceOf(reason, AmqpError);
  assertEquals(reason.replyCode, 320);
});

Deno.test("wss: carries AMQP, to whoever trusts the certificate", async () => {
  await using broker = new Broker();
  const tls = certificate("server");
  await using server = await broker.listen({ port: 0, websocket: true, tls });
  assertEquals(server.url, `wss://127.0.0.1:${server.port}`);
  // the runtime is told by the command line alone whom it trusts
  const program = `
    import { connect } from "${new URL("../../mod.ts", import.meta.url)}";
    const connection = await connect("wss://localhost:${server.port}/");
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare();
    await channel.basicPublish({ routingKey: queue }, "x".repeat(100_000));
    console.log((await channel.basicGet(queue, { noAck: true })).text().length);
    await connection.close();
  `;
  const run = async (...trust: readonly string[]) => {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "-A", ...trust, "-"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    });
    await using child = command.spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(program));
    await writer.close();
    const { stdout, stderr } = await child.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  };
  assertEquals(await run("--cert", certificatePath("ca.pem")), "100000\n");
  assertMatch(await run(), /the WebSocket could not be opened/);
});

const REFUSED: readonly (readonly [what: string, options: ConnectOptions, message: string])[] = [
  ["a certificate without its key", { tls: { cert: certificate("ann").cert } }, "need each other"],
  ["a key of another one", {
    tls: { ca: CA, cert: certificate("ann").cert, key: certificate("bob").key },
  }, "the key of tls.key does not belong to the certificate"],
  ["a CA that is none", { tls: { ca: "CA" } }, "tls.ca has no certificate in PEM"],
  ["an odd version", { tls: { minVersion: "SSLv3" as "TLSv1.2" } }, 'minVersion is "SSLv3"'],
  ["an odd verifyServer", { tls: { verifyServer: "off" as "no" } }, 'verifyServer is "off"'],
  ["an odd mechanism", { mechanism: "SCRAM" as "PLAIN" }, "mechanism is SCRAM"],
  ["a socket file with TLS", { path: "/tmp/x.sock", tls: true }, "without TLS"],
  ["a WebSocket with TLS options", { webSocketUrl: "wss://localhost", tls: {} }, "the runtime"],
];

for (const [what, options, message] of REFUSED) {
  Deno.test(`connect() refuses ${what}`, async () => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0, tls: certificate("server") });
    const where = options.path ?? options.webSocketUrl;
    const there = where === undefined ? { hostname: "localhost", port: server.port } : {};
    const error = await assertRejects(() => connect({ ...there, ...options }), TypeError, message);
    assert(error.message.startsWith("Cannot connect: "));
  });
}

Deno.test("connect() says what may be wrong when a broker hangs up behind TLS", async () => {
  await using demanding = await SecureBroker.start([], {}, {
    ...MUTUAL,
    verifyPeer: "fail-if-none",
  });
  await assertRejects(
    () => demanding.connect({ tls: {} }),
    Error,
    "closed it during the handshake: received fatal alert: CertificateRequired",
  );
  await assertRejects(
    () => demanding.connect({ tls: certificate("stranger") }),
    Error,
    "closed it during the handshake: it may not accept the client's certificate",
  );
});

Deno.test("connect() tells a broker without TLS from one whose certificate is wrong", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  const address = `amqps://localhost:${server.port}`;
  await assertRejects(() => connect(address), Error, "localhost does not speak TLS there");
});

Deno.test("connect() gives up on a TLS handshake that never ends", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const address = `amqps://127.0.0.1:${listener.addr.port}`;
  const error = await assertRejects(() => connect(address, { connectTimeoutMs: 50 }), DOMException);
  assertEquals(error.name, "TimeoutError");
  (await accepting).close();
});

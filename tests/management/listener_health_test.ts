import { assertEquals } from "@std/assert";
import { exposeMetrics } from "../../broker/prometheus/mod.ts";
import { certificate, certificatePath } from "../support/certificates.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { ManagedBroker } from "./support.ts";

const NODE = "warren@localhost";
/** The certificates of the tests that do not expire, do so on the first day of 2120. */
const EXPIRY = "2120-01-01 0:00:00";
const WEEK_BEFORE = Date.UTC(2119, 11, 25);

/** A broker that is asked a week before its certificates expire. */
function managedThen(): { managed: ManagedBroker; check: ReturnType<typeof checkOf> } {
  const managed = new ManagedBroker({ clock: new ManualClock(WEEK_BEFORE) });
  return { managed, check: checkOf(managed) };
}

function checkOf(managed: ManagedBroker) {
  return async (path: string) => {
    const { status, body } = await managed.ask("GET", `/health/checks/${path}`);
    return [status, body];
  };
}

Deno.test("certificate-expiration tells which listeners' certificates expire by then", async () => {
  const { managed, check } = managedThen();
  await using _ = managed;
  await using plain = await managed.broker.listen({ port: 0 });
  assertEquals(await check("certificate-expiration/100/years"), [200, { status: "ok" }], plain.url);
  const [certFile, keyFile, caFile] = ["server.pem", "server.key", "ca.pem"].map(certificatePath);
  await using secure = await managed.broker.listen({
    port: 0,
    tls: { certFile: certFile!, keyFile: keyFile!, caFile: caFile!, verifyPeer: "yes" },
  });
  assertEquals(await check("certificate-expiration/6/days"), [200, { status: "ok" }]);
  assertEquals(await check("certificate-expiration/-1/weeks"), [200, { status: "ok" }]);
  for (const within of ["8/days", "2/WEEKS", "1/months", "1/years"]) {
    assertEquals(await check(`certificate-expiration/${within}`), [503, {
      status: "failed",
      reason: "Certificates expiring",
      expired: [{
        node: NODE,
        protocol: "amqp/ssl",
        interface: "127.0.0.1",
        port: secure.port,
        certfile: certFile,
        cacertfile: caFile,
        certfile_expires_on: [EXPIRY],
        cacertfile_expires_on: [EXPIRY],
      }],
    }]);
  }
});

Deno.test("certificate-expiration goes by the certificates in use", async () => {
  await using managed = new ManagedBroker();
  const check = checkOf(managed);
  await using server = await managed.broker.listen({
    port: 0,
    websocket: true,
    tls: { ...certificate("outdated"), others: [certificate("server")] },
  });
  const [status, body] = await check("certificate-expiration/1/days");
  const { certfile, certfile_expires_on, cacertfile_expires_on, protocol } = body.expired[0];
  assertEquals([status, certfile, protocol], [503, "", "https/web-amqp"]);
  assertEquals([certfile_expires_on, cacertfile_expires_on], [["2021-01-01 0:00:00"], []]);
  await server.reloadCertificates(certificate("server"));
  assertEquals(await check("certificate-expiration/1/days"), [200, { status: "ok" }]);
});

Deno.test("certificate-expiration tells of certificates whose time has not come", async () => {
  const clock = new ManualClock(Date.UTC(2019, 0, 1));
  await using managed = new ManagedBroker({ clock });
  await using server = await managed.broker.listen({ port: 0, tls: certificate("server") });
  const [status, body] = await checkOf(managed)("certificate-expiration/1/days");
  assertEquals([status, body.expired[0].certfile_expires_on], [503, [
    "Certificate is not yet valid",
  ]], server.url);
});

Deno.test("certificate-expiration refuses what is no number, and no unit", async () => {
  await using managed = new ManagedBroker();
  const check = checkOf(managed);
  const refused = (reason: string) => [400, { error: "bad_request", reason }];
  assertEquals(
    await check("certificate-expiration/x/days"),
    refused("Invalid expiration value."),
  );
  assertEquals(
    await check("certificate-expiration/1/hours"),
    refused("Time unit not recognised. Supported units: days, weeks, months, years."),
  );
  assertEquals(await check("port-listener/abc"), refused("Invalid port"));
});

Deno.test("protocol-listener takes several protocols, each by any of its names", async () => {
  await using managed = new ManagedBroker();
  const check = checkOf(managed);
  const { broker } = managed;
  await using plain = await broker.listen({ port: 0 });
  await using secure = await broker.listen({ port: 0, tls: certificate("server") });
  await using web = await broker.listen({ port: 0, websocket: true });
  using metrics = exposeMetrics(broker);
  const exposed = await metrics.serve({ port: 0 });
  const protocols = ["amqp", "amqp/ssl", "http/web-amqp", "http/prometheus"];
  const ok = (protocol?: string) => [200, {
    status: "ok",
    ...protocol === undefined ? {} : { protocol },
    protocols,
  }];
  for (const name of ["amqp", "AMQP", "amqp091", "amqp0-9-1", "amqp0.9.1"]) {
    assertEquals(await check(`protocol-listener/${name}`), ok("amqp"), name);
  }
  assertEquals(await check("protocol-listener/amqps"), ok("amqp/ssl"));
  assertEquals(await check("protocol-listener/http%2Fprometheus"), ok("http/prometheus"));
  assertEquals(await check("protocol-listener/amqp,amqps,web-amqp"), ok());
  const failed = (missing: string | string[]) => [503, {
    status: "failed",
    reason: "No active listener",
    missing,
    protocols,
  }];
  assertEquals(await check("protocol-listener/mqtt"), failed("mqtt"));
  assertEquals(await check("protocol-listener/amqp,http,mqtt"), failed(["http", "mqtt"]));
  const ports = [plain.port, secure.port, web.port, exposed.port];
  for (const port of ports) {
    assertEquals(await check(`port-listener/${port}`), [200, { status: "ok", port }]);
  }
  await exposed.close();
  assertEquals((await check(`port-listener/${exposed.port}`))[1].ports, ports.slice(0, 3));
});

Deno.test("protocol-listener answers as RabbitMQ 4 does when the broker is to be like it", async () => {
  await using managed = new ManagedBroker({ profile: "rabbitmq-4.3" });
  const check = checkOf(managed);
  await using server = await managed.broker.listen({ port: 0 });
  const protocols = ["amqp"];
  assertEquals(
    await check("protocol-listener/amqp"),
    [200, { status: "ok", protocols }],
    server.url,
  );
  assertEquals(await check("protocol-listener/mqtt"), [503, {
    status: "failed",
    reason: "No active listener",
    missing: ["mqtt"],
    protocols,
  }]);
});

Deno.test("the API and the metrics over TLS are https, and their certificates expire as others do", async () => {
  const { managed, check } = managedThen();
  await using _ = managed;
  const clock = new ManualClock(WEEK_BEFORE);
  const [certFile, keyFile] = ["server.pem", "server.key"].map(certificatePath);
  const tls = { certFile: certFile!, keyFile: keyFile! };
  await using plain = await managed.serve({ port: 0 });
  await using api = await managed.serve({ port: 0, tls });
  using metrics = exposeMetrics(managed.broker, { clock });
  await using exposed = await metrics.serve({ port: 0, tls });
  const { listeners, contexts } = await managed.get("/overview");
  assertEquals(
    // deno-lint-ignore no-explicit-any -- it is what came back
    listeners.map(({ protocol, port }: any) => [protocol, port]),
    [["http", plain.port], ["https", api.port], ["https/prometheus", exposed.port]],
  );
  // deno-lint-ignore no-explicit-any -- it is what came back
  assertEquals(contexts.map(({ port, ssl }: any) => [port, ssl]), [
    [`${plain.port}`, undefined],
    [`${api.port}`, "true"],
  ]);
  assertEquals((await managed.get("/nodes"))[0].contexts, contexts);
  const protocols = ["http", "https", "https/prometheus"];
  for (const protocol of protocols) {
    const path = `protocol-listener/${encodeURIComponent(protocol)}`;
    assertEquals(await check(path), [200, { status: "ok", protocol, protocols }]);
  }
  assertEquals(await check("certificate-expiration/6/days"), [200, { status: "ok" }]);
  const [status, { expired }] = await check("certificate-expiration/8/days") as [
    number,
    // deno-lint-ignore no-explicit-any -- it is what came back
    any,
  ];
  const expiring = (protocol: string, port: number) => ({
    node: NODE,
    protocol,
    interface: "127.0.0.1",
    port,
    certfile: certFile,
    cacertfile: "",
    certfile_expires_on: [EXPIRY],
    cacertfile_expires_on: [],
  });
  assertEquals([status, expired], [
    503,
    [expiring("https", api.port), expiring("https/prometheus", exposed.port)],
  ]);
});

Deno.test("certificate-expiration goes by the certificates that the API has reloaded", async () => {
  await using managed = new ManagedBroker();
  const check = checkOf(managed);
  await using api = await managed.serve({ port: 0, tls: certificate("outdated") });
  assertEquals((await check("certificate-expiration/1/days"))[0], 503);
  await api.reloadCertificates(certificate("server"));
  assertEquals(await check("certificate-expiration/1/days"), [200, { status: "ok" }]);
});

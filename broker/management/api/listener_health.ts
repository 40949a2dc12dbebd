import type { CertificateInfo, JsonObject, ListenerInfo } from "../../mod.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest } from "../errors.ts";
import { httpPorts, listeners, protocolOf } from "./nodes.ts";

/** Checks of the ports that are listened on, and of their certificates. */
export function listenerHealthRoutes(api: Api, management: Management): void {
  const { broker, clock, node } = management;

  api.get("/api/health/checks/certificate-expiration/:within/:unit", async (call) => {
    const until = clock.now() + readDuration(call);
    const { listeners: served } = await broker.snapshot({ only: ["listeners"] });
    const ports: CertifiedPort[] = [
      ...served.map((listener) => ({ ...listener, protocol: protocolOf(listener) })),
      ...httpPorts(management).map(({ protocol, server: { hostname, port, certificates } }) => ({
        protocol,
        ipAddress: hostname,
        port,
        certificates,
      })),
    ];
    const expired = ports.filter(({ certificates }) => expiring(certificates, clock.now(), until))
      .map((listener) => describeExpiring(listener, { node, now: clock.now(), until }));
    if (expired.length === 0) return call.json({ status: "ok" });
    return call.json({ status: "failed", reason: "Certificates expiring", expired }, 503);
  });

  api.get("/api/health/checks/port-listener/:port", async (call) => {
    const text = call.req.param("port");
    if (!/^[+-]?\d+$/.test(text)) throw badRequest("Invalid port");
    const port = Number(text);
    const ports = (await listeners(management)).map((listener) => Number(listener["port"]));
    if (ports.includes(port)) return call.json({ status: "ok", port });
    return inactive(call, { missing: port, ports });
  });

  api.get("/api/health/checks/protocol-listener/:protocols", async (call) => {
    const wanted = call.req.param("protocols").split(",").map(normalised);
    const all = (await listeners(management)).map((listener) => String(listener["protocol"]));
    const protocols = [...new Set(all)];
    const missing = wanted.filter((one) => !protocols.includes(one));
    // one alone is told as before 4.1, where there could be no others
    const single = wanted.length === 1 && broker.node().httpApi === 3;
    if (missing.length > 0) {
      return inactive(call, { missing: single ? missing[0]! : missing, protocols });
    }
    return call.json({ status: "ok", ...single ? { protocol: wanted[0]! } : {}, protocols });
  });
}

function inactive(call: Call, why: JsonObject): Response {
  return call.json({ status: "failed", reason: "No active listener", ...why }, 503);
}

// ---- certificates

/** A port with the certificates that are shown and asked for there. */
interface CertifiedPort extends Pick<ListenerInfo, "ipAddress" | "port" | "certificates"> {
  readonly protocol: string;
}

const DAY_MS = 86_400_000;
/** What RabbitMQ makes of the words. */
const UNITS: Readonly<Record<string, number>> = {
  days: DAY_MS,
  weeks: 7 * DAY_MS,
  months: (365 / 12) * DAY_MS,
  years: 365 * DAY_MS,
};

function readDuration(call: Call): number {
  const { within = "", unit = "" } = call.req.param();
  if (!/^[+-]?\d+$/.test(within)) throw badRequest("Invalid expiration value.");
  const name = unit.toLowerCase();
  const length = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
  if (length !== undefined) return Number(within) * length;
  throw badRequest("Time unit not recognised. Supported units: days, weeks, months, years.");
}

/** Why a certificate is told of: when it expires, or that its time has not come; undefined: it is well. */
function trouble(
  { validFrom, validTo }: CertificateInfo,
  now: number,
  until: number,
): string | undefined {
  if (validFrom > now) return "Certificate is not yet valid";
  return validTo < until ? timeText(validTo) : undefined;
}

function expiring(certificates: readonly CertificateInfo[], now: number, until: number): boolean {
  return certificates.some((one) => trouble(one, now, until) !== undefined);
}

function describeExpiring(
  listener: CertifiedPort,
  { node, now, until }: { readonly node: string; readonly now: number; readonly until: number },
): JsonObject {
  const { protocol, ipAddress, port, certificates } = listener;
  const of = (role: CertificateInfo["role"]) => {
    const some = certificates.filter((one) => one.role === role);
    const files = new Set(some.map(({ file }) => file).filter((file) => file !== null));
    const times = some.map((one) => trouble(one, now, until)).filter((one) => one !== undefined);
    return { files: [...files].join(", "), times };
  };
  const [server, authority] = [of("server"), of("authority")];
  return {
    node,
    protocol,
    interface: ipAddress,
    port,
    certfile: server.files,
    cacertfile: authority.files,
    certfile_expires_on: server.times,
    cacertfile_expires_on: authority.times,
  };
}

/** A time in UTC as RabbitMQ writes it: its hours have one digit before ten. */
function timeText(time: number): string {
  const [date = "", clock = ""] = new Date(time).toISOString().split(/[T.]/);
  return `${date} ${clock.replace(/^0/, "")}`;
}

// ---- protocols

/** Other names of protocols, by those of RabbitMQ. What is spoken by nobody here is told as missing. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  amqp091: "amqp",
  "amqp0.9.1": "amqp",
  "amqp0-9-1": "amqp",
  "amqp0_9_1": "amqp",
  amqps: "amqp/ssl",
  http1: "http",
  "http1.1": "http",
  http_api: "http",
  management: "http",
  management_ui: "http",
  ui: "http",
  webamqp: "http/web-amqp",
  "web-amqp": "http/web-amqp",
  web_amqp: "http/web-amqp",
};

function normalised(protocol: string): string {
  const name = protocol.trim().toLowerCase();
  return Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name]! : name;
}

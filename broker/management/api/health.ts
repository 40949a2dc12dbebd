import type { JsonObject } from "../../mod.ts";
import { vhostOf } from "../access.ts";
import { actAs } from "../acting.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest } from "../errors.ts";
import { listeners } from "./nodes.ts";

/** The queue that RabbitMQ's test of a vhost uses. */
const PROBE = "aliveness-test";
/** In what a certificate's time is told. */
const UNITS = ["days", "weeks", "months", "years"];

/** Checks that monitors make. */
export function healthRoutes(api: Api, management: Management): void {
  const { broker } = management;

  const alarms = (call: Call) => {
    const { node } = management;
    const raised = broker.alarms.map(({ source: resource }) => ({ node, resource }));
    if (raised.length === 0) return call.json({ status: "ok" });
    return failed(call, { reason: "There are alarms in effect in the cluster", alarms: raised });
  };
  api.get("/api/health/checks/alarms", alarms);
  api.get("/api/health/checks/local-alarms", alarms);
  api.get("/api/healthchecks/node", alarms);
  api.get("/api/healthchecks/node/:node", alarms);

  const well = [
    "virtual-hosts",
    "is-in-service",
    "ready-to-serve-clients",
    "metadata-store/initialized",
    "metadata-store/initialized/with-data",
    "reached-target-cluster-size",
  ];
  for (const check of well) {
    api.get(`/api/health/checks/${check}`, (call) => call.json({ status: "ok" }));
  }
  api.get("/api/health/checks/below-node-connection-limit", (call) => {
    const limit = broker.node().connectionMax ?? Infinity;
    const count = [...broker.meters("connection")].length;
    if (count < limit) return call.json({ status: "ok" });
    return failed(call, { reason: "node connection limit is reached" });
  });
  for (const check of ["node-is-mirror-sync-critical", "node-is-quorum-critical"]) {
    api.get(
      `/api/health/checks/${check}`,
      (call) => call.json({ status: "ok", reason: "single node cluster" }),
    );
  }

  const leaders = "/api/health/checks/quorum-queues-without-elected-leaders";
  api.get(`${leaders}/all-vhosts/pattern/:pattern`, (call) => call.json({ status: "ok" }));
  api.get(`${leaders}/vhost/:vhost/pattern/:pattern`, (call) => {
    vhostOf(call, broker);
    return call.json({ status: "ok" });
  });

  api.get("/api/health/checks/certificate-expiration/:within/:unit", (call) => {
    const { within, unit } = call.req.param();
    if (!/^\d+$/.test(within) || !UNITS.includes(unit)) {
      throw badRequest(`Invalid expiration unit: ${within} ${unit}`);
    }
    return call.json({ status: "ok" });
  });

  api.get("/api/health/checks/port-listener/:port", async (call) => {
    const text = call.req.param("port");
    if (!/^\d{1,5}$/.test(text)) throw badRequest(["not_integer", text]);
    const port = Number(text);
    const ports = (await listeners(management)).map((listener) => Number(listener["port"]));
    if (ports.includes(port)) return call.json({ status: "ok", port });
    return failed(call, { reason: "No active listener", missing: port, ports });
  });

  api.get("/api/health/checks/protocol-listener/:protocol", async (call) => {
    const protocol = call.req.param("protocol");
    const all = (await listeners(management)).map((listener) => String(listener["protocol"]));
    const protocols = [...new Set(all)];
    const wanted = protocol === "amqp091" ? "amqp" : protocol;
    if (protocols.includes(wanted)) return call.json({ status: "ok", protocol });
    return failed(call, { reason: "No active listener", missing: protocol, protocols });
  });

  api.get("/api/aliveness-test/:vhost", async (call) => {
    const vhost = vhostOf(call, broker);
    await actAs(call.var.session, vhost, async (channel) => {
      await channel.queueDeclare(PROBE);
      await channel.confirmSelect();
      await channel.basicPublish({ routingKey: PROBE }, "test_message");
      await channel.basicGet(PROBE, { noAck: true });
    });
    return call.json({ status: "ok" });
  });
}

function failed(call: Call, why: JsonObject): Response {
  return call.json({ status: "failed", ...why }, 503);
}

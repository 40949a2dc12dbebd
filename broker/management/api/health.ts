import type { Channel } from "../../../client/channel.ts";
import type { JsonObject } from "../../mod.ts";
import { vhostOf } from "../access.ts";
import { actAs } from "../acting.ts";
import type { Api, Call, Management } from "../context.ts";
import { notFound } from "../errors.ts";

/** The queue that RabbitMQ's test of a vhost uses. */
const PROBE = "aliveness-test";

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
  api.get("/api/healthchecks/node/:node", (call) => {
    if (call.req.param("node") !== management.node) throw notFound();
    return alarms(call);
  });

  const serving = ["is-in-service", "ready-to-serve-clients"];
  for (const check of serving) {
    api.get(`/api/health/checks/${check}`, (call) => {
      if (broker.serving) return call.json({ status: "ok" });
      return failed(call, { reason: "this rabbit node is not currently available to serve" });
    });
  }
  const well = [
    "virtual-hosts",
    "metadata-store/initialized",
    "metadata-store/initialized/with-data",
    "reached-target-cluster-size",
  ];
  for (const check of well) {
    api.get(`/api/health/checks/${check}`, (call) => call.json({ status: "ok" }));
  }
  api.get("/api/health/checks/below-node-connection-limit", (call) => {
    const limit = broker.node().connectionMax ?? Infinity;
    if (broker.count("connection") < limit) return call.json({ status: "ok" });
    return failed(call, { reason: "node connection limit is reached" });
  });
  for (const check of ["node-is-mirror-sync-critical", "node-is-quorum-critical"]) {
    api.get(
      `/api/health/checks/${check}`,
      (call) => call.json({ status: "ok", reason: "single node cluster" }),
    );
  }

  const leaders = "/api/health/checks/quorum-queues-without-elected-leaders";
  // a pattern of names may follow; a leader is never missing
  for (const pattern of ["", "/", "/pattern/:pattern"]) {
    api.get(`${leaders}/all-vhosts${pattern}`, (call) => call.json({ status: "ok" }));
    api.get(`${leaders}/vhost/:vhost${pattern}`, (call) => {
      vhostOf(call, broker);
      return call.json({ status: "ok" });
    });
  }

  api.get("/api/aliveness-test/:vhost", async (call) => {
    const vhost = vhostOf(call, broker);
    const reason = await actAs(call.var.session, vhost, (channel, connection) => {
      const heldBack = Promise.withResolvers<string>();
      connection.onBlocked = (reason) => heldBack.resolve(`publishing is held back: ${reason}`);
      // else the check would wait until the alarm is over
      return Promise.race([sendToItself(channel), heldBack.promise]);
    });
    return reason === undefined ? call.json({ status: "ok" }) : failed(call, { reason });
  });
}

/** Sends a message through a queue. Returns what is wrong when it does not come back. */
async function sendToItself(channel: Channel): Promise<string | undefined> {
  await channel.queueDeclare(PROBE);
  // nobody waits for a confirm: whether the queue takes it is what is to be found out
  void channel.basicPublish({ routingKey: PROBE }, "test_message");
  const back = await channel.basicGet(PROBE, { noAck: true });
  return back === undefined ? `${PROBE} queue is empty` : undefined;
}

function failed(call: Call, why: JsonObject): Response {
  return call.json({ status: "failed", ...why }, 503);
}

import { requireAdministrator } from "../access.ts";
import type { Api, Management } from "../context.ts";
import { notFound } from "../errors.ts";

/** What tools ask for that know many versions of RabbitMQ. There is only one Warren: nothing in it has
 * to be switched on. */
export function featureRoutes(api: Api, _management: Management): void {
  api.get("/api/feature-flags", (call) => {
    requireAdministrator(call);
    return call.json([]);
  });
  api.put("/api/feature-flags/:name/enable", (call) => {
    requireAdministrator(call);
    throw notFound();
  });
  for (const path of ["/api/deprecated-features", "/api/deprecated-features/used"]) {
    api.get(path, (call) => {
      requireAdministrator(call);
      return call.json([]);
    });
  }
  // there is one node: nothing to spread, nobody to ask
  api.post("/api/rebalance/queues", (call) => {
    requireAdministrator(call);
    return call.body(null, 204);
  });
  // what is sampled here is no database that could be out of step
  for (const path of ["/api/reset", "/api/reset/:node"]) {
    api.delete(path, (call) => {
      requireAdministrator(call);
      return call.body(null, 204);
    });
  }
}

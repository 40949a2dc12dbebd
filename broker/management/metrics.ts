import { requireMonitor } from "./access.ts";
import type { Api, Management } from "./context.ts";
import { logIn } from "./login.ts";

/**
 * Metrics for Prometheus on the port of the API too, for who can reach that alone. They tell names from
 * all vhosts: who asks has to be a monitor, as for what the API tells of all. The port that is for
 * metrics asks nobody.
 */
export function metricRoutes(api: Api, management: Management): void {
  const { metrics } = management;
  if (metrics === undefined) return;
  api.on("GET", ["/metrics", "/metrics/*"], async (call) => {
    const session = await logIn(call, management);
    if (session instanceof Response) return session;
    call.set("session", session);
    requireMonitor(call);
    return await metrics.handle(call.req.raw);
  });
}

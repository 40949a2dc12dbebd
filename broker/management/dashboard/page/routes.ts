import { showChannel } from "./pages/channel.ts";
import { showChannels } from "./pages/channels.ts";
import { showConnection } from "./pages/connection.ts";
import { showConnections } from "./pages/connections.ts";
import { showDefinitions } from "./pages/definitions.ts";
import { showExchange } from "./pages/exchange.ts";
import { showExchanges } from "./pages/exchanges.ts";
import { showLimits } from "./pages/limits.ts";
import { showOverview } from "./pages/overview.ts";
import { showParameters } from "./pages/parameters.ts";
import { showPolicies } from "./pages/policies.ts";
import { showQueue } from "./pages/queue.ts";
import { showQueues } from "./pages/queues.ts";
import { showTopology } from "./pages/topology.ts";
import { showTrace } from "./pages/trace.ts";
import { showUser } from "./pages/user.ts";
import { showUsers } from "./pages/users.ts";
import { showVhost } from "./pages/vhost.ts";
import { showVhosts } from "./pages/vhosts.ts";
import type { Page } from "./view.ts";

/** The parts of the menu. */
export const GROUPS = [
  { name: "work", title: undefined },
  { name: "admin", title: "Administration" },
] as const;

/** A place, and where it stands in the menu. */
export interface Route {
  readonly path: string;
  readonly page: Page;
  /** What it is called in the menu; the ones without are inside of others. */
  readonly title?: string;
  readonly group?: typeof GROUPS[number]["name"];
  /** The tag that one has to have for it. */
  readonly tag?: "administrator" | "policymaker";
}

/** All places. A name in one is a colon. */
export const ROUTES: readonly Route[] = [
  { path: "", page: showOverview, title: "Overview", group: "work" },
  { path: "queues", page: showQueues, title: "Queues", group: "work" },
  { path: "queues/:/:", page: showQueue },
  { path: "exchanges", page: showExchanges, title: "Exchanges", group: "work" },
  { path: "exchanges/:/:", page: showExchange },
  { path: "topology", page: showTopology, title: "Topology", group: "work" },
  { path: "connections", page: showConnections, title: "Connections", group: "work" },
  { path: "connections/:", page: showConnection },
  { path: "channels", page: showChannels, title: "Channels", group: "work" },
  { path: "channels/:", page: showChannel },
  { path: "trace", page: showTrace, title: "Trace", group: "work", tag: "administrator" },
  { path: "vhosts", page: showVhosts, title: "Virtual hosts", group: "admin" },
  { path: "vhosts/:", page: showVhost },
  { path: "users", page: showUsers, title: "Users", group: "admin", tag: "administrator" },
  { path: "users/:", page: showUser },
  { path: "policies", page: showPolicies, title: "Policies", group: "admin", tag: "policymaker" },
  { path: "limits", page: showLimits, title: "Limits", group: "admin", tag: "administrator" },
  {
    path: "parameters",
    page: showParameters,
    title: "Parameters",
    group: "admin",
    tag: "policymaker",
  },
  {
    path: "definitions",
    page: showDefinitions,
    title: "Definitions",
    group: "admin",
    tag: "administrator",
  },
];

/** The place that an address names, and the names in it. */
export function find(hash: string): { readonly route: Route; readonly names: string[] } {
  const parts = hash.replace(/^#\/?/, "").split("/");
  for (const route of ROUTES) {
    const wanted = route.path.split("/");
    if (wanted.length !== parts.length) continue;
    if (!wanted.every((part, index) => part === ":" || part === parts[index])) continue;
    const names = parts.filter((_, index) => wanted[index] === ":").map(decode);
    return { route, names };
  }
  return { route: ROUTES[0]!, names: [] };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

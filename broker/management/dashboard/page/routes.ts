import { showOverview } from "./pages/overview.ts";
import { showQueues } from "./pages/queues.ts";
import type { Page } from "./view.ts";

/** A place, and where it stands in the menu. */
export interface Route {
  readonly path: string;
  readonly page: Page;
  /** What it is called in the menu; the ones without are inside of others. */
  readonly title?: string;
  /** The tag that one has to have for it. */
  readonly tag?: "administrator" | "policymaker";
}

/** All places. A name in one is a colon. */
export const ROUTES: readonly Route[] = [
  { path: "", page: showOverview, title: "Overview" },
  { path: "queues", page: showQueues, title: "Queues" },
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

import { LIMITS, limitsOf, limitsTable, setLimit } from "../limits_table.ts";
import { button, head, listCard } from "../parts.ts";
import { repeat, type View } from "../view.ts";

const EVERY_MS = 5000;

/** How much virtual hosts and users may have. */
export function showLimits(view: View): void {
  view.main.append(
    head("Limits"),
    limitsCard(view, "vhost", "Limits of virtual hosts"),
    limitsCard(view, "user", "Limits of users"),
  );
}

function limitsCard(view: View, kind: "vhost" | "user", title: string): HTMLElement {
  const table = limitsTable(view, kind, () => void refresh());
  const refresh = repeat(view, EVERY_MS, async () => {
    table.set(limitsOf(kind, await view.api.get(LIMITS[kind].path, view.signal)));
  });
  const add = async () => {
    if (await setLimit(view, kind)) await refresh();
  };
  const label = kind === "vhost" ? "Set for a virtual host" : "Set for a user";
  return listCard(title, [button(label, () => void add(), "primary")], table.element);
}

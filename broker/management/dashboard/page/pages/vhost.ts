import { type Data, path } from "../api.ts";
import { Charts, DATA_RATES, MESSAGE_RATES, MESSAGES_WAITING, THING_RANGES } from "../charts.ts";
import { h, setText } from "../dom.ts";
import { rate } from "../format.ts";
import { setPermissions, setTopicPermissions } from "../forms/permissions.ts";
import { defaultType, setVhost } from "../forms/vhost.ts";
import { limitsOf, limitsTable, setLimit } from "../limits_table.ts";
import { attempt } from "../notice.ts";
import { button, card, head, listCard, tellCount, tellFacts, tile } from "../parts.ts";
import { permissionsTables } from "../permissions_tables.ts";
import { RatesTable } from "../rates_table.ts";
import { repeat, type View } from "../view.ts";
import { deleteVhost } from "./vhosts.ts";

const EVERY_MS = 2000;
const SETTINGS_MS = 5000;

/** One virtual host: what goes on in it, who may enter, and how much it may have. */
export function showVhost(view: View): void {
  const [name = "/"] = view.names;
  const { api, signal } = view;
  const at = path`/vhosts/${name}`;
  const tiles = {
    ready: tile("Ready"),
    unacked: tile("Unacked"),
    in: tile("In"),
    out: tile("Out"),
  };
  const plots = [MESSAGE_RATES, MESSAGES_WAITING, DATA_RATES];
  const charts = new Charts(plots, THING_RANGES, signal, () => void refresh());
  const rates = new RatesTable("Messages of this virtual host", "messages");
  const facts = h("dl", { class: "facts" });
  const limits = limitsTable(view, "vhost", () => void refreshSettings(), name);
  const { permissions, topics } = permissionsTables(view, "vhost", () => void refreshSettings());
  let vhost: Data;

  const then = async (form: Promise<boolean>, again: () => Promise<void>) => {
    if (await form) await again();
  };
  const trace = async () => {
    const body = { tracing: !vhost.tracing };
    await attempt(
      api.ask("PUT", at, { body }),
      body.tracing ? "Tracing is on." : "Tracing is off.",
    );
    await refresh();
  };
  const protect = async () => {
    const [method, done] = vhost.protected_from_deletion
      ? ["DELETE", "It may be deleted now."]
      : ["POST", "It is protected from deletion."];
    await attempt(api.ask(method!, `${at}/deletion/protection`), done!);
    await refresh();
  };
  const remove = async () => {
    if (await deleteVhost(view, name)) location.hash = "#/vhosts";
  };
  // what they do depends on how it is, which is not known yet
  const unknown = { disabled: true };
  const edit = button("Edit", () => void then(setVhost(view, vhost), refresh), "primary", unknown);
  const tracing = button("Start tracing", () => void trace(), "", unknown);
  const protection = button("Protect", () => void protect(), "", unknown);
  view.main.append(
    head(name, [h("a", { href: "#/vhosts" }, "Virtual hosts")], [
      edit,
      tracing,
      protection,
      button("Delete", () => void remove(), "danger"),
    ]),
    h("div", { class: "tiles four" }, ...Object.values(tiles).map(({ element }) => element)),
    charts.element,
    h(
      "div",
      { class: "columns wide" },
      listCard("Messages", [], rates.element),
      h(
        "div",
        { class: "stack" },
        card("Facts", facts),
        listCard("Limits", [
          button("Set a limit", () => void then(setLimit(view, "vhost", name), refreshSettings)),
        ], limits.element),
      ),
    ),
    listCard("Permissions", [
      button(
        "Set permissions",
        () => void then(setPermissions(view, { vhost: name }), refreshSettings),
      ),
    ], permissions.element),
    listCard("Permissions for topics", [
      button(
        "Set for a topic exchange",
        () => void then(setTopicPermissions(view, { vhost: name }), refreshSettings),
      ),
    ], topics.element),
  );

  const refresh = repeat(view, EVERY_MS, async () => {
    vhost = await api.get(`${at}?${charts.query}`, signal);
    edit.disabled = tracing.disabled = protection.disabled = false;
    charts.set(vhost);
    const [published = 0, delivered = 0] = charts.newest(MESSAGE_RATES);
    tellCount(tiles.ready, vhost.messages_ready ?? 0);
    tellCount(tiles.unacked, vhost.messages_unacknowledged ?? 0);
    setText(tiles.in.value, rate(published));
    setText(tiles.out.value, rate(delivered));
    rates.set(vhost.message_stats);
    setText(tracing, vhost.tracing ? "Stop tracing" : "Start tracing");
    setText(protection, vhost.protected_from_deletion ? "Unprotect" : "Protect");
    tellFacts(facts, [
      ["Description", vhost.description || "none"],
      ["Tags", vhost.tags.join(", ") || "none"],
      ["Queues by default", defaultType(vhost)],
      ["Tracing", vhost.tracing ? "on" : "off"],
      ["Deletion", vhost.protected_from_deletion ? "protected from it" : "allowed"],
    ]);
  });
  const refreshSettings = repeat(view, SETTINGS_MS, async () => {
    const [allowed, ofTopics, told]: Data[] = await Promise.all([
      api.get(`${at}/permissions`, signal),
      api.get(`${at}/topic-permissions`, signal),
      api.get(path`/vhost-limits/${name}`, signal),
    ]);
    permissions.set(allowed);
    topics.set(ofTopics);
    limits.set(limitsOf("vhost", told));
  });
}

import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { notify } from "../notice.ts";
import { tellVhostsChanged } from "../vhosts_changed.ts";
import type { View } from "../view.ts";

const AS_BROKER = "as the broker";
const TYPES = ["classic", "quorum", "stream"];

/** Asks what a vhost is to be like: a new one, or one that is there. True when it was set. */
export async function setVhost({ api }: View, before?: Data): Promise<boolean> {
  const { default_queue_type: usual } = await api.get("/overview?columns=default_queue_type");
  const inherited = `${AS_BROKER} (${usual})`;
  return await showForm({
    title: before === undefined ? "New virtual host" : `Change ${before.name}`,
    action: before === undefined ? "Add" : "Save",
    fields: [
      ...before === undefined ? [{ name: "name", label: "Name", required: true }] : [],
      { name: "description", label: "Description", value: before?.description ?? "" },
      { name: "tags", label: "Tags", value: (before?.tags ?? []).join(", ") },
      {
        name: "type",
        label: "Queues by default",
        kind: "select",
        options: [inherited, ...TYPES],
        value: before === undefined || isInherited(before) ? inherited : before.default_queue_type,
        hint: "The type of a queue that is declared without one",
      },
    ],
    submit: async ({ name = before?.name as string, description, type, tags }) => {
      const default_queue_type = type === inherited ? "undefined" : type;
      const body = { description, default_queue_type, tags };
      await api.ask("PUT", path`/vhosts/${name}`, { body });
      tellVhostsChanged();
      notify(`The virtual host ${name} is set.`);
    },
  });
}

/** What a queue is that does not say so. */
export function defaultType(vhost: Data): string {
  return isInherited(vhost) ? AS_BROKER : vhost.default_queue_type;
}

function isInherited({ default_queue_type }: Data): boolean {
  return default_queue_type === "undefined";
}

import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { notify } from "../notice.ts";
import { tellVhostsChanged } from "../vhosts_changed.ts";
import type { View } from "../view.ts";

const TYPES = ["classic", "quorum", "stream"];

/** Asks what a vhost is to be like: a new one, or one that is there. True when it was set. */
export function setVhost({ api }: View, before?: Data): Promise<boolean> {
  return showForm({
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
        options: TYPES,
        value: before === undefined ? "classic" : defaultType(before),
        hint: "The type of a queue that is declared without one",
      },
    ],
    submit: async ({ name = before?.name as string, description, type, tags }) => {
      const body = { description, default_queue_type: type, tags };
      await api.ask("PUT", path`/vhosts/${name}`, { body });
      tellVhostsChanged();
      notify(`The virtual host ${name} is set.`);
    },
  });
}

/** What a queue is that does not say so. */
export function defaultType({ default_queue_type }: Data): string {
  return default_queue_type === "undefined" ? "classic" : default_queue_type;
}

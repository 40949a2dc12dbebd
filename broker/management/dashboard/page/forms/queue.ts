import { path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { readJson } from "../fields.ts";
import { notify } from "../notice.ts";
import type { View } from "../view.ts";
import { QUEUE_ARGUMENTS } from "./suggestions.ts";

const TYPES = ["classic", "quorum", "stream"];

/** Asks for a new queue. True when there is one. */
export function declareQueue({ api, vhost = "/" }: View): Promise<boolean> {
  return showForm({
    title: "New queue",
    action: "Declare",
    fields: [
      { name: "name", label: "Name", required: true },
      { name: "vhost", label: "Virtual host", value: vhost, required: true },
      { name: "type", label: "Type", kind: "select", options: TYPES, value: "classic" },
      { name: "durable", label: "Durable: it survives a restart", kind: "check", checked: true },
      { name: "auto_delete", label: "Auto-delete: it goes with its last consumer", kind: "check" },
      {
        name: "arguments",
        label: "Arguments",
        kind: "json",
        hint: 'JSON, such as {"x-max-length": 1000, "x-message-ttl": 60000}',
        suggestions: QUEUE_ARGUMENTS,
      },
    ],
    submit: async (values) => {
      const given = readJson(values["arguments"]!, "Arguments");
      await api.ask("PUT", path`/queues/${values["vhost"]!}/${values["name"]!}`, {
        body: {
          durable: values["durable"] === "true",
          auto_delete: values["auto_delete"] === "true",
          // what is left out would be as the virtual host, or the broker, has it
          arguments: { "x-queue-type": values["type"], ...given },
        },
      });
      notify(`The queue ${values["name"]} is there.`);
    },
  });
}

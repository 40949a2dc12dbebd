import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { readJson } from "../fields.ts";
import { notify } from "../notice.ts";
import type { View } from "../view.ts";
import { EXCHANGE_ARGUMENTS } from "./suggestions.ts";

/** Asks for a new exchange. True when there is one. */
export async function declareExchange({ api, vhost = "/" }: View): Promise<boolean> {
  const { exchange_types } = await api.get("/overview?columns=exchange_types");
  return await showForm({
    title: "New exchange",
    action: "Declare",
    fields: [
      { name: "name", label: "Name", required: true },
      { name: "vhost", label: "Virtual host", value: vhost, required: true },
      {
        name: "type",
        label: "Type",
        kind: "select",
        options: exchange_types.map(({ name }: Data) => name),
        value: "direct",
      },
      { name: "durable", label: "Durable: it survives a restart", kind: "check", checked: true },
      { name: "auto_delete", label: "Auto-delete: it goes with its last binding", kind: "check" },
      { name: "internal", label: "Internal: nobody may publish to it", kind: "check" },
      {
        name: "arguments",
        label: "Arguments",
        kind: "json",
        hint: 'JSON, such as {"alternate-exchange": "unrouted"}',
        suggestions: EXCHANGE_ARGUMENTS,
      },
    ],
    submit: async (values) => {
      await api.ask("PUT", path`/exchanges/${values["vhost"]!}/${values["name"]!}`, {
        body: {
          type: values["type"],
          durable: values["durable"] === "true",
          auto_delete: values["auto_delete"] === "true",
          internal: values["internal"] === "true",
          arguments: readJson(values["arguments"]!, "Arguments"),
        },
      });
      notify(`The exchange ${values["name"]} is there.`);
    },
  });
}

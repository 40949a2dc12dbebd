import { exchangeInPath, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { readJson } from "../fields.ts";
import { exchangeName } from "../format.ts";
import { notify } from "../notice.ts";
import type { View } from "../view.ts";

/** Asks for a message, and publishes it. True when that was done. */
export function publishMessage(
  { api }: View,
  vhost: string,
  exchange: string,
  routingKey = "",
): Promise<boolean> {
  return showForm({
    title: `Publish to ${exchangeName(exchange)}`,
    action: "Publish",
    fields: [
      { name: "routing_key", label: "Routing key", value: routingKey },
      { name: "payload", label: "Body", kind: "area" },
      { name: "content_type", label: "Content type", value: "text/plain" },
      { name: "persistent", label: "Persistent", kind: "check", checked: true },
      { name: "headers", label: "Headers", kind: "json", hint: 'JSON, such as {"x-delay": 5000}' },
      {
        name: "properties",
        label: "More properties",
        kind: "json",
        hint: 'JSON, such as {"priority": 5, "expiration": "60000", "message_id": "1"}',
      },
    ],
    submit: async (values) => {
      const headers = readJson(values["headers"]!, "Headers");
      const type = values["content_type"]!;
      const { routed } = await api.ask(
        "POST",
        path`/exchanges/${vhost}/${exchangeInPath(exchange)}/publish`,
        {
          body: {
            routing_key: values["routing_key"],
            payload: values["payload"],
            payload_encoding: "string",
            properties: {
              delivery_mode: values["persistent"] === "true" ? 2 : 1,
              ...type === "" ? {} : { content_type: type },
              ...Object.keys(headers).length === 0 ? {} : { headers },
              ...readJson(values["properties"]!, "Properties"),
            },
          },
        },
      );
      if (routed) notify("The message was published.");
      else notify("The message was published, but no queue took it.", "failed");
    },
  });
}

import { type Data, exchangeInPath, path } from "./api.ts";
import { exchangeName } from "./format.ts";
import { unbind } from "./forms/binding.ts";
import { button } from "./parts.ts";
import { Table } from "./table.ts";
import type { View } from "./view.ts";

/** A table of bindings: of where they come from, or of where they lead. */
export function bindingsTable(
  view: View,
  show: "source" | "destination",
  onGone: () => void,
): Table<Data> {
  const remove = async (binding: Data) => {
    if (await unbind(view, binding)) onGone();
  };
  const column = show === "source"
    ? {
      title: "From exchange",
      text: ({ source }: Data) => exchangeName(source),
      href: ({ vhost, source }: Data) => path`#/exchanges/${vhost}/${exchangeInPath(source)}`,
    }
    : {
      title: "To",
      text: ({ destination_type, destination }: Data) => `${destination_type} ${destination}`,
      href: ({ vhost, destination_type, destination }: Data) =>
        destination_type === "queue"
          ? path`#/queues/${vhost}/${destination}`
          : path`#/exchanges/${vhost}/${destination}`,
    };
  return new Table<Data>(
    show === "source" ? "Bindings from exchanges" : "Bindings to queues and exchanges",
    [
      column,
      { title: "Routing key", text: ({ routing_key }) => routing_key },
      { title: "Arguments", minor: true, text: ({ arguments: given }) => argumentsText(given) },
      {
        title: "Actions",
        numeric: true,
        text: () => "",
        draw: (binding, now) =>
          // each queue has that one for as long as it is there
          binding.source === "" ? "" : button("Unbind", () => void remove(now()), "small danger", {
            "aria-label": `Unbind ${binding.source} and ${binding.destination}`,
          }),
      },
    ],
    (one) => [one.source, one.destination_type, one.destination, one.properties_key].join("\0"),
    "No bindings.",
  );
}

function argumentsText(given: Data): string {
  return Object.keys(given ?? {}).length === 0 ? "" : JSON.stringify(given);
}

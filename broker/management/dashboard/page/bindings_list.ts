import { type Data, exchangeInPath, path } from "./api.ts";
import { exchangeName, words } from "./format.ts";
import { unbind } from "./forms/binding.ts";
import { showList } from "./list.ts";
import { button } from "./parts.ts";
import type { Column } from "./table.ts";
import type { View } from "./view.ts";

/** Where bindings come from. */
const SOURCE: Column<Data> = {
  title: "From exchange",
  sort: "source",
  text: ({ source }) => exchangeName(source),
  href: ({ vhost, source }) => path`#/exchanges/${vhost}/${exchangeInPath(source)}`,
};

/** Where bindings lead. */
const DESTINATION: Column<Data> = {
  title: "To",
  sort: "destination",
  text: ({ destination_type, destination }) => `${destination_type} ${destination}`,
  href: ({ vhost, destination_type, destination }) =>
    destination_type === "queue"
      ? path`#/queues/${vhost}/${destination}`
      : path`#/exchanges/${vhost}/${destination}`,
};

/** A list of bindings, as long as it may be. */
export interface Bindings {
  readonly title: string;
  /** Where the API tells them. */
  readonly path: string;
  /** More parameters. */
  readonly query?: Readonly<Record<string, string>>;
  /** Which ends are said. */
  readonly ends: "source" | "destination" | "both";
  readonly actions?: readonly HTMLElement[];
  /** Is called when one was deleted. */
  readonly onGone?: () => void;
}

/** Shows bindings: filtered by what their ends and keys are called. */
export function bindingsList(
  view: View,
  { title, path: at, query, ends, actions, onGone }: Bindings,
): {
  readonly element: HTMLElement;
  readonly refresh: () => Promise<void>;
} {
  const remove = async (binding: Data) => {
    if (!await unbind(view, binding)) return;
    onGone?.();
    await list.refresh();
  };
  const list = showList(view, {
    title,
    heading: true,
    path: at,
    query: query ?? {},
    filter: { parameter: "search", hint: "Filter by name or key" },
    key: (one) =>
      [one.vhost, one.source, one.destination_type, one.destination, one.properties_key].join("\0"),
    empty: "No bindings.",
    actions: actions ?? [],
    columns: [
      ...ends === "destination" ? [] : [SOURCE],
      ...ends === "source" ? [] : [DESTINATION],
      { title: "Routing key", sort: "routing_key", text: ({ routing_key }) => routing_key },
      { title: "Arguments", minor: true, text: ({ arguments: given }) => words(given ?? {}) },
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
  });
  return list;
}

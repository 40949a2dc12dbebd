import type { Data } from "./api.ts";
import { h } from "./dom.ts";
import { button } from "./parts.ts";
import type { Column } from "./table.ts";

/** The last column of a list whose rows have names, and can be edited and deleted. */
export function actionsColumn(
  edit: (row: Data) => Promise<void>,
  remove: (row: Data) => Promise<void>,
): Column<Data> {
  return {
    title: "Actions",
    numeric: true,
    text: () => "",
    draw: ({ name }, now) =>
      h(
        "span",
        { class: "rowactions" },
        button("Edit", () => void edit(now()), "small", { "aria-label": `Edit ${name}` }),
        button("Delete", () => void remove(now()), "small danger", {
          "aria-label": `Delete ${name}`,
        }),
      ),
  };
}

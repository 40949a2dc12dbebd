import { type Data, path } from "./api.ts";
import { showForm } from "./dialog.ts";
import { h } from "./dom.ts";
import { count } from "./format.ts";
import { notify } from "./notice.ts";
import { button, confirmed } from "./parts.ts";
import { Table } from "./table.ts";
import type { View } from "./view.ts";

/** Who has limits, and what of. */
export const LIMITS = {
  vhost: {
    path: "/vhost-limits",
    title: "Virtual host",
    plural: "virtual hosts",
    place: "vhosts",
    names: ["max-connections", "max-queues"],
  },
  user: {
    path: "/user-limits",
    title: "User",
    plural: "users",
    place: "users",
    names: ["max-connections", "max-channels"],
  },
} as const;

/** A limit of a vhost or a user. */
export interface Limit {
  readonly whose: string;
  readonly name: string;
  readonly value: number;
}

/** The limits that the API tells, one by one. */
export function limitsOf(kind: keyof typeof LIMITS, told: readonly Data[]): Limit[] {
  return told.flatMap((one) =>
    Object.entries(one.value as Record<string, number>)
      .map(([name, value]) => ({ whose: one[kind] as string, name, value }))
  );
}

/**
 * A table of limits.
 *
 * @param whose Whose they all are, which is not said again.
 */
export function limitsTable(
  view: View,
  kind: keyof typeof LIMITS,
  onChange: () => void,
  whose?: string,
): Table<Limit> {
  const { path: at, title, plural, place } = LIMITS[kind];
  const clear = async ({ whose, name }: Limit) => {
    const work = () => view.api.ask("DELETE", at + path`/${whose}/${name}`);
    const text = `${whose} may have as many as there is room for.`;
    if (await confirmed(`Clear ${name}?`, text, "Clear", work, "The limit is gone.")) onChange();
  };
  const change = async (limit: Limit) => {
    if (await setLimit(view, kind, limit.whose, limit)) onChange();
  };
  return new Table<Limit>(
    `Limits of ${whose ?? plural}`,
    [
      ...whose === undefined
        ? [{
          title,
          text: (limit: Limit) => limit.whose,
          href: (limit: Limit) => `#/${place}${path`/${limit.whose}`}`,
        }]
        : [],
      { title: "Limit", text: ({ name }) => name },
      { title: "Value", numeric: true, text: ({ value }) => valueText(value) },
      {
        title: "Actions",
        numeric: true,
        text: () => "",
        draw: ({ whose, name }, now) =>
          h(
            "span",
            { class: "rowactions" },
            button("Edit", () => void change(now()), "small", {
              "aria-label": `Edit ${name} of ${whose}`,
            }),
            button("Clear", () => void clear(now()), "small danger", {
              "aria-label": `Clear ${name} of ${whose}`,
            }),
          ),
      },
    ],
    ({ whose, name }) => `${whose}\0${name}`,
    "No limits.",
  );
}

/** Asks how much a vhost or a user may have. True when it was set. */
export function setLimit(
  view: View,
  kind: keyof typeof LIMITS,
  whose?: string,
  before?: Limit,
): Promise<boolean> {
  const { path: at, title, names } = LIMITS[kind];
  return showForm({
    title: whose === undefined ? "Set a limit" : `Set a limit of ${whose}`,
    action: "Save",
    fields: [
      ...whose === undefined ? [{ name: "whose", label: title, required: true }] : [],
      { name: "name", label: "Limit", kind: "select", options: names, value: before?.name ?? "" },
      {
        name: "value",
        label: "Value",
        kind: "number",
        required: true,
        value: `${before?.value ?? ""}`,
        hint: "0 for none at all, -1 for no limit",
      },
    ],
    submit: async ({ whose: asked = "", name = "", value }) => {
      const body = { value: Number(value) };
      await view.api.ask("PUT", at + path`/${whose ?? asked}/${name}`, { body });
      notify("The limit is set.");
    },
  });
}

function valueText(value: number): string {
  return value < 0 ? "no limit" : count(value);
}

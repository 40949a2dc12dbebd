import { actionsColumn } from "../actions_column.ts";
import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { inline } from "../format.ts";
import { type List, showList } from "../list.ts";
import { notify } from "../notice.ts";
import { button, confirmed, head } from "../parts.ts";
import type { View } from "../view.ts";

/** What is set while the broker runs, for a vhost or for all. */
export function showParameters(view: View): void {
  view.main.append(head("Parameters"), globalParameters(view), parameters(view));
}

function globalParameters(view: View): HTMLElement {
  return parameterList(
    view,
    {
      title: "Global parameters",
      path: "/global-parameters",
      key: ({ name }) => name,
      empty: "There is no global parameter.",
      columns: [{ title: "Name", sort: "name", text: ({ name }) => name }],
    },
    ({ name }) => path`/global-parameters/${name}`,
    "global parameter",
  );
}

function parameters(view: View): HTMLElement {
  return parameterList(
    view,
    {
      title: "Parameters of virtual hosts",
      path: "/parameters",
      key: ({ component, vhost, name }) => [component, vhost, name].join("\0"),
      empty: "There is no parameter.",
      columns: [
        { title: "Name", sort: "name", text: ({ name }) => name },
        { title: "Component", sort: "component", text: ({ component }) => component },
        { title: "Virtual host", sort: "vhost", text: ({ vhost }) => vhost, minor: true },
      ],
    },
    ({ component, vhost, name }) => path`/parameters/${component}/${vhost}/${name}`,
    "parameter",
  );
}

function parameterList(
  view: View,
  about: Pick<List, "title" | "path" | "key" | "empty" | "columns">,
  at: (parameter: Data) => string,
  one: "global parameter" | "parameter",
): HTMLElement {
  const set = async (before?: Data) => {
    if (await setParameter(view, at, one, before)) await list.refresh();
  };
  const remove = async (parameter: Data) => {
    const work = () => view.api.ask("DELETE", at(parameter));
    const title = `Delete ${parameter.name}?`;
    const text = "What it says holds no longer.";
    if (await confirmed(title, text, "Delete", work, `The ${one} is gone.`)) await list.refresh();
  };
  const list = showList(view, {
    ...about,
    heading: true,
    actions: [button(`New ${one}`, () => void set(), "primary")],
    columns: [
      ...about.columns,
      { title: "Value", text: ({ value }) => inline(value) },
      actionsColumn(set, remove),
    ],
  });
  return list.element;
}

function setParameter(
  { api, vhost = "/" }: View,
  at: (parameter: Data) => string,
  one: "global parameter" | "parameter",
  before?: Data,
): Promise<boolean> {
  const text = before === undefined ? "" : JSON.stringify(before.value, undefined, 2);
  const where = [
    {
      name: "component",
      label: "Component",
      required: true,
      hint: "operator_policy or vhost-limits; no other is listened to",
    },
    { name: "vhost", label: "Virtual host", value: vhost, required: true },
  ];
  return showForm({
    title: before === undefined ? `New ${one}` : `Change ${before.name}`,
    action: "Save",
    fields: [
      ...one === "parameter" && before === undefined ? where : [],
      ...before === undefined ? [{ name: "name", label: "Name", required: true }] : [],
      {
        name: "value",
        label: "Value",
        kind: "json",
        value: text,
        required: true,
        hint: 'JSON, such as {"region": "eu"} or "a text"',
      },
    ],
    submit: async (values) => {
      let value: unknown;
      try {
        value = JSON.parse(values["value"]!);
      } catch {
        throw new Error("Value: this is not JSON.");
      }
      await api.ask("PUT", at({ ...before, ...values }), { body: { value } });
      notify(`The ${one} is set.`);
    },
  });
}

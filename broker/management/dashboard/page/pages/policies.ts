import { actionsColumn } from "../actions_column.ts";
import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { h } from "../dom.ts";
import { readJson } from "../fields.ts";
import { OPERATOR_KEYS, POLICY_KEYS } from "../forms/suggestions.ts";
import { inline } from "../format.ts";
import { showList } from "../list.ts";
import { notify } from "../notice.ts";
import { button, confirmed, head } from "../parts.ts";
import { may, type View } from "../view.ts";

const APPLIES_TO = [
  "all",
  "queues",
  "classic_queues",
  "quorum_queues",
  "streams",
  "exchanges",
] as const;
const KINDS = [
  {
    path: "policies",
    title: "Policies",
    one: "policy",
    setBy: "policymaker",
    keys: POLICY_KEYS,
  },
  {
    path: "operator-policies",
    title: "Operator policies",
    one: "operator policy",
    setBy: "administrator",
    keys: OPERATOR_KEYS,
  },
] as const;

/** What is set for many queues or exchanges at once, by users and by operators. */
export function showPolicies(view: View): void {
  view.main.append(head("Policies"));
  for (const kind of KINDS) view.main.append(policyList(view, kind));
}

function policyList(view: View, kind: typeof KINDS[number]): HTMLElement {
  const allowed = may(view, kind.setBy);
  const edit = async (policy?: Data) => {
    if (await setPolicy(view, kind, policy)) await list.refresh();
  };
  const remove = async ({ vhost, name }: Data) => {
    const text = "What it says is taken back from everything that it applies to.";
    const at = `/${kind.path}${path`/${vhost}/${name}`}`;
    const work = () => view.api.ask("DELETE", at);
    if (await confirmed(`Delete ${name}?`, text, "Delete", work, `The ${kind.one} is gone.`)) {
      await list.refresh();
    }
  };
  const list = showList(view, {
    title: kind.title,
    path: `/${kind.path}${view.vhost === undefined ? "" : path`/${view.vhost}`}`,
    key: ({ vhost, name }) => `${vhost}\0${name}`,
    empty: `There is no ${kind.one}.`,
    heading: true,
    actions: allowed ? [button(`New ${kind.one}`, () => void edit(), "primary")] : [],
    columns: [
      { title: "Name", sort: "name", text: ({ name }) => name },
      { title: "Virtual host", sort: "vhost", text: ({ vhost }) => vhost, minor: true },
      { title: "Pattern", text: ({ pattern }) => pattern },
      {
        title: "Applies to",
        text: (one) => `${one["apply-to"]}`.replaceAll("_", " "),
        minor: true,
      },
      {
        title: "Definition",
        text: ({ definition }) => entriesOf(definition).join("\0"),
        draw: ({ definition }) =>
          h("span", { class: "badges" }, ...entriesOf(definition).map((one) => h("span", {}, one))),
      },
      { title: "Priority", sort: "priority", numeric: true, text: ({ priority }) => `${priority}` },
      ...allowed ? [actionsColumn(edit, remove)] : [],
    ],
  });
  return list.element;
}

function entriesOf(definition: Data): string[] {
  return Object.entries(definition).map(([name, value]) => `${name}: ${inline(value)}`);
}

function setPolicy(
  { api, vhost = "/" }: View,
  kind: typeof KINDS[number],
  before?: Data,
): Promise<boolean> {
  return showForm({
    title: before === undefined ? `New ${kind.one}` : `Change ${before.name}`,
    action: "Save",
    fields: [
      { name: "name", label: "Name", value: before?.name ?? "", required: true },
      { name: "vhost", label: "Virtual host", value: before?.vhost ?? vhost, required: true },
      {
        name: "pattern",
        label: "Pattern of names",
        value: before?.pattern ?? "",
        hint: "A regular expression, such as ^orders\\.",
      },
      {
        name: "apply-to",
        label: "Applies to",
        kind: "select",
        options: APPLIES_TO,
        value: before?.["apply-to"] ?? "all",
      },
      {
        name: "definition",
        label: "Definition",
        kind: "json",
        value: before === undefined ? "" : JSON.stringify(before.definition, undefined, 2),
        hint: 'JSON, such as {"message-ttl": 60000}',
        required: true,
        suggestions: kind.keys,
      },
      { name: "priority", label: "Priority", kind: "number", value: `${before?.priority ?? 0}` },
    ],
    submit: async (values) => {
      const at = `/${kind.path}${path`/${values["vhost"]!}/${values["name"]!}`}`;
      const body = {
        pattern: values["pattern"],
        "apply-to": values["apply-to"],
        definition: readJson(values["definition"]!, "Definition"),
        priority: Number(values["priority"]),
      };
      await api.ask("PUT", at, { body });
      notify(`The ${kind.one} ${values["name"]} is set.`);
    },
  });
}

import { actionsColumn } from "../actions_column.ts";
import { type Data, path } from "../api.ts";
import { count, rate } from "../format.ts";
import { defaultType, setVhost } from "../forms/vhost.ts";
import { showList } from "../list.ts";
import { button, confirmed, head } from "../parts.ts";
import { tellVhostsChanged } from "../vhosts_changed.ts";
import { may, type View } from "../view.ts";

/** All virtual hosts. */
export function showVhosts(view: View): void {
  const administrator = may(view, "administrator");
  const set = async (vhost?: Data) => {
    if (await setVhost(view, vhost)) await list.refresh();
  };
  const remove = async ({ name }: Data) => {
    if (await deleteVhost(view, name)) await list.refresh();
  };
  const number = (title: string, name: string) => ({
    title,
    sort: name,
    numeric: true,
    text: (one: Data) => count(one[name] ?? 0),
  });
  const speed = (title: string, name: string) => ({
    title,
    sort: `message_stats.${name}_details.rate`,
    numeric: true,
    minor: true,
    text: (one: Data) => rate(one.message_stats?.[`${name}_details`]?.rate ?? 0),
  });
  const list = showList(view, {
    title: "Virtual hosts",
    path: "/vhosts",
    key: ({ name }) => name,
    actions: administrator ? [button("New virtual host", () => void set(), "primary")] : [],
    columns: [
      {
        title: "Name",
        sort: "name",
        text: ({ name }) => name,
        href: ({ name }) => administrator ? path`#/vhosts/${name}` : undefined,
      },
      { title: "Description", minor: true, text: ({ description }) => description ?? "" },
      { title: "Queues by default", minor: true, text: (one) => defaultType(one) },
      { title: "Tracing", minor: true, text: ({ tracing }) => tracing ? "on" : "off" },
      number("Ready", "messages_ready"),
      number("Unacked", "messages_unacknowledged"),
      speed("In", "publish"),
      speed("Out", "deliver_get"),
      ...administrator ? [actionsColumn(set, remove)] : [],
    ],
  });
  view.main.append(head("Virtual hosts"), list.element);
}

/** Asks whether a vhost is to go. True when it is gone. */
export function deleteVhost({ api }: View, name: string): Promise<boolean> {
  const work = async () => {
    await api.ask("DELETE", path`/vhosts/${name}`);
    tellVhostsChanged();
  };
  const text = "All its exchanges, queues, messages and permissions will be gone.";
  return confirmed(`Delete ${name}?`, text, "Delete", work, "The virtual host is gone.");
}

import { path } from "../api.ts";
import { bindingsList } from "../bindings_list.ts";
import { h, setText } from "../dom.ts";
import { count } from "../format.ts";
import { GraphView } from "../graph.ts";
import { button, head } from "../parts.ts";
import { Topology } from "../topology.ts";
import { repeat, type View } from "../view.ts";

const EVERY_MS = 5000;
const TYPING_MS = 250;

/** All ways of messages in a vhost, as a drawing and as a list. */
export function showTopology(view: View): void {
  const { vhost = "/" } = view;
  const map = mapCard(view, vhost);
  const list = bindingsList(view, {
    title: `Bindings in ${vhost}`,
    path: path`/bindings/${vhost}`,
    query: { default: "false" },
    ends: "both",
    onGone: () => void map.refresh(),
  });
  list.element.hidden = true;
  const parts = { Map: map, List: list };
  const choices = Object.keys(parts).map((name) => {
    const choose = () => {
      for (const [title, { element, refresh }] of Object.entries(parts)) {
        element.hidden = title !== name;
        void refresh();
      }
    };
    const radio = h("input", {
      type: "radio",
      name: "topology",
      checked: name === "Map",
      onchange: choose,
    });
    return h("label", {}, radio, h("span", {}, name));
  });
  view.main.append(
    head("Topology", [`Virtual host ${vhost}`], [
      h(
        "fieldset",
        { class: "ranges flat" },
        h("legend", { class: "unseen" }, "Shown as"),
        ...choices,
      ),
    ]),
    ...Object.values(parts).map(({ element }) => element),
  );
}

function mapCard(view: View, vhost: string): {
  readonly element: HTMLElement;
  readonly refresh: () => Promise<void>;
} {
  let topology = new Topology(view.api, vhost, view.signal);
  const graph = new GraphView(`Exchanges, queues and consumers of ${vhost}`, (id, opening) => {
    topology.open(id, opening);
    return refresh();
  });
  let typing = 0;
  const search = h("input", {
    type: "search",
    placeholder: "Find by name or routing key",
    "aria-label": "Find by name or routing key",
    oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        topology = new Topology(view.api, vhost, view.signal);
        void refresh();
      }, TYPING_MS);
    },
  });
  const note = h("span", { class: "muted", role: "status" });
  const more = button("Show more", () => {
    topology.openMore();
    void refresh();
  });
  const element = h(
    "section",
    { class: "card list" },
    h("div", { class: "toolbar" }, search, note, more),
    h("div", { class: "inside" }, graph.element),
  );
  const refresh = repeat(view, EVERY_MS, async () => {
    if (element.hidden) return;
    const asked = topology;
    const text = search.value.trim();
    const drawn = await asked.all(text);
    // something else is looked for by now
    if (asked !== topology) return;
    graph.set(
      drawn,
      text === "" ? "No exchange is bound to anything." : "No binding has that in it.",
    );
    const { left } = asked;
    more.hidden = left === undefined;
    setText(note, left === undefined ? "" : `${count(left.count)} more ${left.what}`);
  });
  return { element, refresh };
}

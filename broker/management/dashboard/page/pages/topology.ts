import { h } from "../dom.ts";
import { GraphView } from "../graph.ts";
import { card, head } from "../parts.ts";
import { TopologyWalk } from "../topology.ts";
import { repeat, type View } from "../view.ts";

const EVERY_MS = 5000;

/** All ways of messages in a vhost. */
export function showTopology(view: View): void {
  const { vhost = "/" } = view;
  const graph = new GraphView(`Exchanges, queues and consumers of ${vhost}`);
  const note = h("p", { class: "muted", hidden: true }, "There is more than can be drawn.");
  const none = h("p", { class: "empty", hidden: true }, "No exchange is bound to anything.");
  const title = `Virtual host ${vhost}`;
  view.main.append(head("Topology"), card(title, graph.element, none, note));
  repeat(view, EVERY_MS, async () => {
    const walk = new TopologyWalk(view.api, vhost, view.signal);
    await walk.all();
    graph.set(walk.graph);
    note.hidden = !walk.cut;
    none.hidden = walk.graph.nodes.length > 0;
  });
}

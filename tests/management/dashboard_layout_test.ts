import { assert, assertEquals } from "@std/assert";
import { bytes, duration, short, words } from "../../broker/management/dashboard/page/format.ts";
import {
  type Graph,
  type GraphEdge,
  type GraphNode,
  layOut,
  NODE,
} from "../../broker/management/dashboard/page/graph_layout.ts";
import { mendLanguage } from "../../broker/management/dashboard/page/locale.ts";
import { kept, Live } from "../../broker/management/dashboard/page/series.ts";

function node(kind: GraphNode["kind"], name: string): GraphNode {
  return { id: `${kind} ${name}`, kind, name, under: "", href: "#" };
}

/** Exchanges that are bound to each other at random, also in circles, with queues and consumers. */
function randomGraph(seed: number): Graph {
  let state = seed;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(state / 2 ** 31 * below);
  };
  const many = (kind: GraphNode["kind"], count: number) =>
    Array.from({ length: count }, (_, index) => node(kind, `${index}`));
  const exchanges = many("exchange", 1 + random(12));
  const queues = many("queue", 1 + random(30));
  const consumers = many("consumer", random(20));
  const edge = (from: GraphNode, to: GraphNode, labels: readonly string[]): GraphEdge => ({
    from: from.id,
    to: to.id,
    labels,
  });
  const pick = (of: readonly GraphNode[]) => of[random(of.length)]!;
  const edges = [
    ...exchanges.map((one) => edge(one, pick(exchanges), ["#"])),
    ...queues.flatMap((one) => [edge(pick(exchanges), one, ["a.*"]), edge(exchanges[0]!, one, [])]),
    ...consumers.map((one) => edge(pick(queues), one, [])),
  ];
  return { nodes: [...exchanges, ...queues, ...consumers], edges };
}

Deno.test("nothing in a drawing of bindings lies on anything else, and ways end at what they join", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const graph = randomGraph(seed);
    const { nodes, edges, width, height } = layOut(graph);
    assertEquals(nodes.length, graph.nodes.length);
    assertEquals(edges.length, graph.edges.length);
    for (const { x, y, height: tall } of nodes) {
      assert(x >= 0 && y >= 0 && x + NODE.width <= width && y + tall <= height, `seed ${seed}`);
    }
    const columns = Map.groupBy(nodes, ({ x }) => x);
    for (const column of columns.values()) {
      const sorted = [...column].sort((one, other) => one.y - other.y);
      for (const [index, one] of sorted.entries()) {
        const next = sorted[index + 1];
        assert(next === undefined || one.y + one.height < next.y, `seed ${seed}`);
        assertEquals(one.kind, sorted[0]!.kind);
      }
    }
    const placed = new Map(nodes.map((one) => [one.id, one]));
    for (const { from, to, points } of edges) {
      const [begin, end] = [placed.get(from)!, placed.get(to)!];
      const [[x1, y1], [x2, y2]] = [points[0]!, points.at(-1)!];
      assertEquals([x1, x2], [begin.x + NODE.width, end.x]);
      assert(y1 > begin.y && y1 < begin.y + begin.height, `seed ${seed}`);
      assert(y2 > end.y && y2 < end.y + end.height, `seed ${seed}`);
    }
  }
});

Deno.test("there is room for what says how much of a drawing is folded", () => {
  const plain = layOut({ nodes: [node("exchange", "a")], edges: [] });
  const fold = { hidden: 5, open: false };
  const after = layOut({ nodes: [{ ...node("exchange", "a"), after: fold }], edges: [] });
  const before = layOut({ nodes: [{ ...node("exchange", "a"), before: fold }], edges: [] });
  assert(after.width >= plain.width + 50);
  assert(before.nodes[0]!.x >= 50);
  assertEquals(before.width, after.width);
});

Deno.test("numbers are told as people read them", () => {
  assertEquals(short(9_999), "9,999");
  assertEquals(short(1_234_567_890), "1.2B");
  assertEquals([bytes(undefined), bytes(0), bytes(1536), bytes(2 ** 40)], [
    "–",
    "0 B",
    "1.5 KiB",
    "1.0 TiB",
  ]);
  assertEquals(duration(90_061_000), "1 d 1 h");
  assertEquals(duration(0), "0 s");
  assertEquals(
    words({ nack: true, product: "x", count: 2, off: false }),
    "nack, product: x, count: 2, off: false",
  );
});

Deno.test("a chart goes on with rates where the samples of the API end", () => {
  const details = {
    samples: [{ sample: 30, timestamp: 20_000 }, { sample: 10, timestamp: 10_000 }],
  };
  const begun = kept([details], "rates");
  assertEquals(begun, { times: [20], rows: [[2]] });
  const live = new Live(60, begun);
  live.grow([30], 21);
  live.grow([40], 22);
  assertEquals(live.series, { times: [20, 22], rows: [[2, 10]] });
  // a broker that was restarted begins at 0
  live.grow([0], 23);
  live.grow([5], 90);
  assertEquals(live.series.times, [90]);
  assert(live.series.rows[0]!.every((value) => value >= 0));
});

Deno.test("a browser without a language that can be used gets one", () => {
  for (const [language, after] of [["c", "en"], ["", "en"], ["de-AT", "de-AT"]] as const) {
    const browser = { language };
    mendLanguage(browser);
    assertEquals(browser.language as string, after);
  }
});

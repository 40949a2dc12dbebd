import { AmqpError } from "../amqp/error.ts";
import type { BindingFields } from "./binding.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import { ANY_WORD, KeyPositions, NO_MASK } from "./key_positions.ts";
import { KeyWords } from "./key_words.ts";
import type { OctetRouting } from "./octet_routing.ts";
import { NO_NODE, ROOT, TopicTree } from "./topic_tree.ts";

/** After so many steps what a `#` may stand for is not tried one after another any more. */
const STEPS_MAX = 256;

/**
 * Matches words between dots: `*` in a binding key stands for one word, `#` for any number of them.
 *
 * The binding keys form a tree of words, so what does not match costs nothing beyond the words that
 * it shares with the routing key:
 *
 * ```text
 *  stock.*.nyse       root ── stock ── * ── nyse          [1]
 *  stock.#                          └─ #                  [2]
 *  #.nyse                  └─ # ── nyse                   [3]
 * ```
 */
export class TopicTable implements RoutingTable, OctetRouting {
  readonly cacheable = true;
  private readonly _tree = new TopicTree();
  private readonly _hashMax: number;

  /** @param hashMax How many `#` clients may have in a binding key. */
  constructor(hashMax: number = Infinity) {
    this._hashMax = hashMax;
  }

  check({ routingKey }: BindingFields): void {
    if (this._hashMax === Infinity) return;
    const count = wordsOf(routingKey).filter((word) => word === "#").length;
    if (count <= this._hashMax) return;
    throw new AmqpError(
      406,
      `Topic binding key '${routingKey}' uses ${count} '#' wildcards, at most ${this._hashMax} ` +
        "are allowed",
    );
  }

  /** True when nothing is left, not even of bindings that were removed. */
  get empty(): boolean {
    return this._tree.empty;
  }

  add(binding: BindingFields): void {
    key.split(binding.routingKey);
    this._tree.add(key, binding);
  }

  remove(binding: BindingFields): void {
    key.split(binding.routingKey);
    this._tree.remove(key, binding);
  }

  route(routingKey: string, _message: RoutedMessage, into: Matches): void {
    key.split(routingKey);
    this._walk(into);
  }

  routeOctets(octets: Uint8Array, start: number, end: number, into: Matches): void {
    key.splitOctets(octets, start, end);
    this._walk(into);
    key.end();
  }

  onlyKey({ routingKey }: BindingFields): string | undefined {
    return wordsOf(routingKey).some((word) => word === "*" || word === "#")
      ? undefined
      : routingKey;
  }

  private _walk(into: Matches): void {
    this._tree.begin();
    steps = 0;
    isTaken = false;
    this._visit(ROOT, 0, into);
  }

  /** Follows the words from `position` on down from a node that the words before it led to. */
  private _visit(node: number, position: number, into: Matches): void {
    const tree = this._tree;
    steps++;
    if (position === key.count) into.addAll(tree.destinations(node));
    else {
      const below = tree.below(node, key, position);
      if (below !== NO_NODE) this._visit(below, position + 1, into);
      const star = tree.star(node);
      if (star > 0) this._visit(star, position + 1, into);
      else if (star < 0 && position + 1 === key.count) into.addAll(tree.destinations(-star));
    }
    const pound = tree.pound(node);
    if (pound !== NO_NODE) this._visitPound(pound, position, into);
  }

  /**
   * Lets a `#` stand for none, one, two ... of the words from `position` on.
   *
   * One time a walk is enough: a `#` further up tries its own choices in ascending order, so the
   * first visit of this one starts at the lowest position that it can ever start at and includes the
   * others. This is what keeps several `#` in one binding key from multiplying.
   */
  private _visitPound(node: number, position: number, into: Matches): void {
    const tree = this._tree;
    if (!tree.comesFirst(node)) return;
    if (tree.isLeaf(node)) return into.addAll(tree.destinations(node));
    for (let at = position; at <= key.count; at++) {
      if (steps > STEPS_MAX) return this._visitRest(node, at, into);
      this._visit(node, at, into);
    }
  }

  /** Lets a `#` stand for all that is left of what it may stand for, at once. */
  private _visitRest(node: number, position: number, into: Matches): void {
    if (!isTaken) positions.take(key);
    isTaken = true;
    positions.begin(position);
    this._visitAll(node, 0, into);
  }

  /** As `_visit`, for all positions at once that lead to a node: so each node below a `#` is visited once. */
  private _visitAll(node: number, level: number, into: Matches): void {
    const tree = this._tree;
    if (positions.ends(level)) into.addAll(tree.destinations(node));
    const words = tree.wordCount(node);
    if (words > positions.distinct) this._visitWords(node, level, into);
    else if (words > 0) this._visitBelow(node, level, into);
    const star = tree.star(node);
    if (star < 0) {
      if (positions.endsNext(level)) into.addAll(tree.destinations(-star));
    } else if (star > 0 && positions.step(level, ANY_WORD)) this._visitAll(star, level + 1, into);
    const pound = tree.pound(node);
    if (pound === NO_NODE || !tree.comesFirst(pound)) return;
    if (tree.isLeaf(pound)) return into.addAll(tree.destinations(pound));
    positions.spread(level);
    this._visitAll(pound, level + 1, into);
  }

  /** Where fewer words are in the key than below the node. */
  private _visitWords(node: number, level: number, into: Matches): void {
    for (let mask = 1; mask <= positions.distinct; mask++) {
      if (!positions.step(level, mask)) continue;
      const below = this._tree.below(node, key, positions.first(mask));
      if (below !== NO_NODE) this._visitAll(below, level + 1, into);
    }
  }

  private _visitBelow(node: number, level: number, into: Matches): void {
    const tree = this._tree;
    for (let below = tree.firstBelow(node); below !== NO_NODE; below = tree.after(below)) {
      const mask = positions.maskOfNode(tree, below);
      if (mask !== NO_MASK && positions.step(level, mask)) this._visitAll(below, level + 1, into);
    }
  }
}

/** The words of the key that is looked at: one for all tables, since each has done with it when it returns. */
const key = new KeyWords();
/** Where they stand, once that is needed. */
const positions = new KeyPositions();
let isTaken = false;
/** How many there were for the key that is looked at. */
let steps = 0;

/** An empty key has no words, though any other has one more than it has dots. */
function wordsOf(bindingKey: string): string[] {
  return bindingKey === "" ? [] : bindingKey.split(".");
}

import { AmqpError } from "../amqp/error.ts";
import type { BindingFields } from "./binding.ts";
import { Bucket } from "./bucket.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import type { OctetRouting } from "./octet_routing.ts";
import { UNKNOWN_WORD, Words } from "./words.ts";

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
 *
 * The tree holds words as numbers. A word of a routing key that is in no binding key at all is the
 * same unknown number wherever it is; only wildcards match it.
 */
export class TopicTable implements RoutingTable, OctetRouting {
  readonly cacheable = true;
  readonly #root = new Node();
  readonly #words = new Words();
  /** The routing key that is being routed: its words, and how many there are. */
  readonly #key: number[] = [];
  #keyLength = 0;
  /** Numbers the calls of `route`. */
  #walk = 0;
  readonly #hashMax: number;

  /** @param hashMax How many `#` clients may have in a binding key. */
  constructor(hashMax: number = Infinity) {
    this.#hashMax = hashMax;
  }

  check({ routingKey }: BindingFields): void {
    if (this.#hashMax === Infinity) return;
    const count = wordsOf(routingKey).filter((word) => word === "#").length;
    if (count <= this.#hashMax) return;
    throw new AmqpError(
      406,
      `Topic binding key '${routingKey}' uses ${count} '#' wildcards, at most ${this.#hashMax} ` +
        "are allowed",
    );
  }

  /** True when nothing is left, not even of bindings that were removed. */
  get empty(): boolean {
    return this.#root.needless && this.#words.size === 0;
  }

  add(binding: BindingFields): void {
    let node = this.#root;
    for (const word of wordsOf(binding.routingKey)) {
      if (word === "*") node = node.star ??= new Node();
      else if (word === "#") node = node.hash ??= new Node();
      else node = node.childOrNew(this.#words.use(word));
    }
    node.bucket ??= new Bucket();
    node.bucket.add(binding);
  }

  remove(binding: BindingFields): void {
    const path = wordsOf(binding.routingKey);
    this.#removeBelow(this.#root, binding, path, 0);
  }

  /** Removes a binding, with all nodes that nothing needs any more. */
  #removeBelow(
    node: Node,
    binding: BindingFields,
    path: readonly string[],
    depth: number,
  ): void {
    const word = path[depth];
    if (word === undefined) {
      node.bucket?.remove(binding);
      if (node.bucket?.empty) node.bucket = undefined;
    } else if (word === "*") {
      this.#removeBelow(node.star!, binding, path, depth + 1);
      if (node.star!.needless) node.star = undefined;
    } else if (word === "#") {
      this.#removeBelow(node.hash!, binding, path, depth + 1);
      if (node.hash!.needless) node.hash = undefined;
    } else {
      const number = this.#words.get(word);
      const child = node.children!.get(number)!;
      this.#removeBelow(child, binding, path, depth + 1);
      if (child.needless) node.deleteChild(number);
      this.#words.release(word);
    }
  }

  route(routingKey: string, _message: RoutedMessage, into: Matches): void {
    this.#keyLength = this.#words.split(routingKey, this.#key);
    this.#walk++;
    this.#visit(this.#root, 0, into);
  }

  routeOctets(octets: Uint8Array, start: number, end: number, into: Matches): void {
    this.#keyLength = this.#words.splitOctets(octets, start, end, this.#key);
    this.#walk++;
    this.#visit(this.#root, 0, into);
  }

  onlyKey({ routingKey }: BindingFields): string | undefined {
    return wordsOf(routingKey).some((word) => word === "*" || word === "#")
      ? undefined
      : routingKey;
  }

  /** Follows the words from `position` on down from a node that the words before it led to. */
  #visit(node: Node, position: number, into: Matches): void {
    if (position === this.#keyLength) {
      if (node.bucket !== undefined) into.addAll(node.bucket.destinations);
    } else {
      const word = this.#key[position]!;
      const child = word === UNKNOWN_WORD ? undefined : node.children?.get(word);
      if (child !== undefined) this.#visit(child, position + 1, into);
      if (node.star !== undefined) this.#visit(node.star, position + 1, into);
    }
    if (node.hash !== undefined) this.#visitHash(node.hash, position, into);
  }

  /**
   * Lets a `#` stand for none, one, two ... of the words from `position` on.
   *
   * One time a walk is enough: a `#` further up tries its own choices in ascending order, so the
   * first visit of this one starts at the lowest position that it can ever start at and includes the
   * others. This is what keeps several `#` in one binding key from multiplying.
   */
  #visitHash(node: Node, position: number, into: Matches): void {
    if (node.walk === this.#walk) return;
    node.walk = this.#walk;
    if (node.leaf) {
      if (node.bucket !== undefined) into.addAll(node.bucket.destinations);
      return;
    }
    for (let at = position; at <= this.#keyLength; at++) this.#visit(node, at, into);
  }
}

/** A word of one or more binding keys, at one place in them. */
class Node {
  /** By the number of the next word. */
  children: Map<number, Node> | undefined = undefined;
  star: Node | undefined = undefined;
  hash: Node | undefined = undefined;
  /** The bindings whose key ends here; never an empty one. */
  bucket: Bucket | undefined = undefined;
  /** For a `#`: the last walk that came here. */
  walk = 0;

  get leaf(): boolean {
    return this.children === undefined && this.star === undefined && this.hash === undefined;
  }

  /** True when no binding key goes through here or ends here. */
  get needless(): boolean {
    return this.leaf && this.bucket === undefined;
  }

  childOrNew(word: number): Node {
    this.children ??= new Map();
    let child = this.children.get(word);
    if (child === undefined) this.children.set(word, child = new Node());
    return child;
  }

  deleteChild(word: number): void {
    this.children?.delete(word);
    if (this.children?.size === 0) this.children = undefined;
  }
}

/** An empty key has no words, though any other has one more than it has dots. */
function wordsOf(bindingKey: string): string[] {
  return bindingKey === "" ? [] : bindingKey.split(".");
}

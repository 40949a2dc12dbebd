import type { Destination } from "./binding.ts";
import type { Exchange } from "./exchange.ts";
import type { RoutedMessage } from "./exchange_type.ts";

/** Keeps messages for the exchanges whose types want it: routing itself keeps nothing. */
export interface MessageKeeper<Q extends Destination> {
  /**
   * Looks at a message that is about to be routed by an exchange.
   *
   * @returns True when it is held back, and so not to be routed now.
   */
  keep(exchange: Exchange<Q>, message: RoutedMessage): boolean;
}

/** What somebody found out about where messages go. */
export interface Finding {
  /** It holds no longer, and must keep nothing in memory. */
  forget(): void;
}

/** So many findings are told of a change at most. */
const FINDINGS_MAX = 65_536;

/**
 * The exchanges of one vhost by name, and the version of all that is bound among them.
 *
 * What an exchange remembers of its routes may depend on others: those that it is bound to, and its
 * alternate. So each change of bindings anywhere makes a new version.
 */
export class Exchanges<Q extends Destination> {
  private readonly _byName = new Map<string, Exchange<Q>>();
  /** The one that was asked for last: mostly it is asked for again. */
  private _last: Exchange<Q> | undefined = undefined;
  private _version = 0;
  /** What was found in this version. */
  private readonly _findings: Finding[] = [];
  /** Keeps messages for exchanges that want it; without one they do without. */
  keeper: MessageKeeper<Q> | undefined = undefined;

  /** Grows with each change. */
  get version(): number {
    return this._version;
  }

  /** How many there are. */
  get size(): number {
    return this._byName.size;
  }

  /** Finds an exchange. */
  get(name: string): Exchange<Q> | undefined {
    const last = this._last;
    if (last !== undefined && last.name === name) return last;
    const found = this._byName.get(name);
    if (found !== undefined) this._last = found;
    return found;
  }

  /**
   * Adds an exchange.
   *
   * @param exchange One that was made with this object as its surroundings.
   * @throws {TypeError} When the name is taken.
   */
  add(exchange: Exchange<Q>): void {
    if (this._byName.has(exchange.name)) {
      throw new TypeError(`Cannot add exchange "${exchange.name}": the name is taken`);
    }
    this._byName.set(exchange.name, exchange);
    this.changed();
  }

  /**
   * Removes an exchange. Its bindings, and those to it, are the caller's to unbind.
   *
   * @param name Its name.
   * @returns False when there was none.
   */
  delete(name: string): boolean {
    if (!this._byName.delete(name)) return false;
    this._last = undefined;
    this.changed();
    return true;
  }

  /** Makes a new version. Exchanges call this; nobody else needs to. */
  changed(): void {
    this._version++;
    for (let index = 0; index < this._findings.length; index++) this._findings[index]!.forget();
    this._findings.length = 0;
  }

  /** Something was found that holds until the next change; or not as long, when there is too much of it. */
  keepUntilChanged(finding: Finding): void {
    if (this._findings.length === FINDINGS_MAX) this.changed();
    this._findings.push(finding);
  }

  /** All exchanges in the order of their adding. */
  [Symbol.iterator](): Iterator<Exchange<Q>> {
    return this._byName.values();
  }
}

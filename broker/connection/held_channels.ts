import type { Postponed } from "./postponed.ts";

/** Channels that a client wants to open while there is no room for them, and what it has sent for them
 * since. */
export class HeldChannels {
  readonly #held = new Map<number, Postponed[]>();

  /** How many there are. */
  get size(): number {
    return this.#held.size;
  }

  /** True when messages wait with them to be published. */
  get hasMessages(): boolean {
    for (const kept of this.#held.values()) {
      if (kept.some(({ message }) => message !== undefined)) return true;
    }
    return false;
  }

  /** One more, with what asked for it. */
  hold(number: number, open: Postponed): void {
    this.#held.set(number, [open]);
  }

  /** Keeps what came for one of them. False: it is none. */
  keep(number: number, postponed: () => Postponed): boolean {
    const kept = this.#held.get(number);
    if (kept === undefined) return false;
    kept.push(postponed());
    return true;
  }

  /** Takes all of it out, in the order of its coming, channel by channel. */
  take(): (readonly [number: number, postponed: Postponed])[] {
    const taken = [...this.#held].flatMap(([number, kept]) =>
      kept.map((postponed) => [number, postponed] as const)
    );
    this.#held.clear();
    return taken;
  }
}

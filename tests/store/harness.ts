import { Placement } from "../../broker/store/placement.ts";
import { StoreError } from "../../broker/store/error.ts";
import type { SyncMode } from "../../broker/store/group_commit.ts";
import { Store, type StoreState } from "../../broker/store/store.ts";
import type { StoredBody } from "../../broker/store/stored_body.ts";
import type { StoredQueue } from "../../broker/store/stored_queue.ts";
import { seededRandom, SimulatedFileSystem } from "../../broker/testing/simulated_file_system.ts";
import { VirtualClock } from "../simulation/virtual_clock.ts";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** A store in memory, whose turns, time and disk go on when the test says so. */
export class StoreHarness {
  readonly files: SimulatedFileSystem;
  readonly clock = new VirtualClock();
  readonly states: StoreState[] = [];
  store: Store;
  readonly #options: { segmentSize?: number; sync?: SyncMode; partSize?: number };
  readonly #placement = new Placement();
  #turn: (() => void)[] = [];

  constructor(
    options: { segmentSize?: number; sync?: SyncMode; partSize?: number; seed?: number } = {},
  ) {
    this.#options = options;
    this.files = new SimulatedFileSystem(seededRandom(options.seed ?? 1));
    this.store = this.#open();
  }

  /** Queue 1. */
  get queue(): StoredQueue {
    return this.store.queue(1);
  }

  /** Appends a message with this body. */
  append(position: number, body = `body ${position}`, queue = this.queue): boolean {
    const bytes = ENCODER.encode(body);
    this.#placement.clear();
    this.#placement.add(queue, position);
    return this.store.append(message(bytes), this.#placement);
  }

  /** Appends a message whose body stays where it is. */
  appendStaying(position: number, body: Uint8Array): boolean {
    this.#placement.clear();
    this.#placement.bodyStays = true;
    this.#placement.add(this.queue, position);
    return this.store.append(message(body), this.#placement);
  }

  /** Appends a message with a large body that came before. */
  appendWith(position: number, body: StoredBody): boolean {
    this.#placement.clear();
    this.#placement.body = body;
    this.#placement.add(this.queue, position);
    return this.store.append(message(new Uint8Array(0)), this.#placement);
  }

  /** True when something is to happen at the end of the turn. */
  get hasTurn(): boolean {
    return this.#turn.length > 0;
  }

  /** The body of a message. */
  body(position: number, queue = this.queue): string | undefined {
    const found = this.store.read(queue, position);
    if (found instanceof StoreError) throw found;
    return found && DECODER.decode(found.body.subarray(found.bodyStart, found.bodyEnd));
  }

  /** Positions of the queue that have a message. */
  positions(queue = this.queue): number[] {
    const positions: number[] = [];
    for (let at = queue.next(0); at !== undefined; at = queue.next(at + 1)) positions.push(at);
    return positions;
  }

  /** Ends the turn. */
  endTurn(): void {
    for (let count = 0; this.#turn.length > 0; count++) {
      if (count > 10_000) throw new Error("The turn does not end");
      this.#turn.shift()!();
    }
  }

  /** Lets everything come to rest: turns, syncs, timers. */
  settle(): void {
    for (let round = 0; round < 1000; round++) {
      this.endTurn();
      if (this.files.pendingSyncs > 0) this.files.finishSync();
      else if (this.clock.timers > 0) this.clock.advance(10_000);
      else if (this.#turn.length === 0) return;
    }
    throw new Error("The store does not come to rest");
  }

  /** Lets everything happen that needs no time. */
  rest(): void {
    for (let round = 0; round < 1000; round++) {
      this.endTurn();
      if (this.files.pendingSyncs === 0) return;
      this.files.finishSync();
    }
    throw new Error("The store does not come to rest");
  }

  /** Ends the process and opens the store again. */
  reopen(way: "kill" | "power" = "power"): Store {
    this.#turn = [];
    this.clock.clear();
    if (way === "power") this.files.losePower();
    else this.files.kill();
    return this.store = this.#open();
  }

  #open(): Store {
    return new Store({
      ...this.#options,
      files: this.files,
      clock: this.clock,
      atEndOfTurn: (callback) => this.#turn.push(callback),
      onStateChanged: (state) => this.states.push(state),
    });
  }
}

/** A message with some address and properties. */
export function message(body: Uint8Array) {
  const head = new Uint8Array([0, 1, 0x61, 0x10, 0x00, 2]);
  return {
    head,
    addressStart: 0,
    addressEnd: 3,
    propertiesStart: 3,
    propertiesEnd: head.length,
    body,
    bodyStart: 0,
    bodyEnd: body.length,
  };
}

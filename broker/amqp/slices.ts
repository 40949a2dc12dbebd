import { pollSockets } from "./turn.ts";

/** So long something is done before others get a chance to do something, in milliseconds. */
const SLICE_MS = 2;
/** So many small things are done before the time is looked at. */
const SMALL_BATCH = 32;

/** Those who rest, in the order in which they go on: one each time that everything else had its chance. A
 * hundred who ask for long lists would otherwise be one long turn of a hundred slices. */
const resting: (() => void)[] = [];
let isServing = false;

/** Divides long work, so that messages go on meanwhile, and other work of the kind. */
export class Slices {
  /** Who begins while others rest waits for a slice at once. */
  #end = resting.length > 0 ? 0 : performance.now() + SLICE_MS;
  #count = resting.length > 0 ? -1 : 0;
  readonly #batch: number;

  /** @param batch So many things are done before the time is looked at. Default: 32, for small ones. */
  constructor(batch = SMALL_BATCH) {
    this.#batch = batch;
  }

  /** True when it is time to `rest`: looks at the clock once in a while. */
  get over(): boolean {
    return ++this.#count % this.#batch === 0 && performance.now() >= this.#end;
  }

  /** Lets everything else go on. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      resting.push(resolve);
      if (!isServing) void serve();
    });
    this.#end = performance.now() + SLICE_MS;
  }
}

async function serve(): Promise<void> {
  isServing = true;
  while (resting.length > 0) {
    // not only one round of the loop: it looks at sockets in one of dozens, while there is always work
    await pollSockets();
    resting.shift()!();
  }
  isServing = false;
}

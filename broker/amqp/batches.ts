import { pollSockets, turnIsLong } from "./turn.ts";

/**
 * Work in batches that very many may have to do in the same moment: a thousand queues whose messages are
 * all too old, ten thousand that nobody has used for as long as they may be, a thousand clients that send
 * something, or go. None of the batches is long, but all of them would be one long turn.
 *
 * @module
 */

/** So long batches are done one after another before all sockets are looked at, in milliseconds. */
const AT_ONCE_MS = 3;
/** What was done longer ago does not count any more. */
const FORGOTTEN_MS = 50;
/** So many that are done are forgotten at once. */
const GONE_MAX = 64;

/** Batches that wait, in the order in which they came; those before `first` are done. */
let waiting: (() => void)[] = [];
let first = 0;
let isServing = false;
/** How many of them are peers'. */
let peersWaiting = 0;
/** How long batches took since all sockets were looked at, and when the last of them ended. */
let spentMs = 0;
let endedAt = -Infinity;

/** Does a batch: within this call, or in its turn when others took long just now. */
export function doBatch(batch: () => void): void {
  if (!isServing) {
    if (performance.now() - endedAt > FORGOTTEN_MS) spentMs = 0;
    if (spentMs < AT_ONCE_MS) return run(batch);
  }
  wait(batch);
}

/**
 * True when what a peer has sent is to wait for its turn: others have taken long in this turn of the loop.
 *
 * @param isMuch True when it may take long as well: that does not overtake what waits already.
 */
export function isCrowded(isMuch: boolean): boolean {
  return turnIsLong() || isMuch && peersWaiting > 0;
}

/** Deals with what a peer has sent when others have had their turn. Resolves when that is done. */
export function inPeerTurn(deal: () => void): Promise<void> {
  peersWaiting++;
  return new Promise((resolve) =>
    wait(() => {
      peersWaiting--;
      try {
        deal();
      } finally {
        resolve();
      }
    })
  );
}

/** Resolves when others have had their turn: for what then takes so many milliseconds, about. */
export function peerTurn(ms: number): Promise<void> {
  return inPeerTurn(() => spentMs += ms);
}

function wait(batch: () => void): void {
  waiting.push(batch);
  if (!isServing) void serve();
}

function run(batch: () => void): void {
  const begun = performance.now();
  try {
    batch();
  } finally {
    endedAt = performance.now();
    spentMs += endedAt - begun;
  }
}

async function serve(): Promise<void> {
  isServing = true;
  while (first < waiting.length) {
    await pollSockets();
    spentMs = 0;
    while (first < waiting.length && spentMs < AT_ONCE_MS) {
      try {
        run(next());
      } catch (bug) {
        // the others go on all the same, and the program hears of it as of any uncaught error
        queueMicrotask(() => {
          throw bug;
        });
      }
    }
  }
  isServing = false;
}

/** The next one that waits. Peers that send flat out leave no moment in which none does. */
function next(): () => void {
  const batch = waiting[first++]!;
  if (first === waiting.length) {
    waiting = [];
    first = 0;
  } else if (first >= GONE_MAX && first >= waiting.length / 2) {
    waiting = waiting.slice(first);
    first = 0;
  }
  return batch;
}

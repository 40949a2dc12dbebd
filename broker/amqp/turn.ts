/**
 * What happens once at the end of a turn of the event loop: links write what was sent to them,
 * clients run their users' callbacks, and so on. It runs in a microtask, so everything that one
 * read or one timer led to shares one end.
 *
 * A chain of turns that only feeds itself (a consumer in this process that publishes for each
 * delivery, a loop that awaits one answer after another) would keep the loop from its sockets and
 * timers for ever. After a few milliseconds of that the next end of turn therefore waits until the loop
 * has looked at all sockets; and who reads from a peer that always has more lets others have their turn
 * after so much work (`worked`).
 *
 * @module
 */

/** After so long it is watched whether the loop goes round, which costs as much as answering a message. */
const UNWATCHED_MS = 2;
/** And after so long for the first time: a program that has just started spends most of it on compiling,
 * and what it takes to watch has to be loaded first. */
const FIRST_UNWATCHED_MS = 20;
/** How long turns may follow one another, watched, before the event loop gets its chance. */
const CHAIN_MS = 5;

/** An end of turn counts as much as so many publishes. */
const A_TURN = 4;
/** The clock is looked at after so many publishes at most. */
const LOOK_AFTER = 8 * A_TURN;
/** And after fewer when those take longer than this. */
const LOOK_MS = 1;

/** After so many rounds of the loop the runtime has looked at all sockets. */
const ROUNDS = 64;
/** Others have had their chance as well when they have worked for so many milliseconds meanwhile. */
const OTHERS_MS = 10;
/** After so much work for peers all sockets are looked at, which takes some 0.2 ms. What is not counted,
 * to read and to write, takes as long again. */
const WORK_MS = 3;

type Callback = () => void;

let waiting: Callback[] = [];
let spare: Callback[] = [];
let scheduled = false;
/** True while the end of the turn waits for others. */
let endWaits = false;
/** When ends of turn were counted from, unless they are watched. Undefined before the first of them. */
let unwatchedSince: number | undefined;
/** Since when the loop has not gone round; 0 while nobody looks. */
let watchedSince = 0;
/** How much may be done until the clock is looked at, which costs more than counting. */
let unlooked = A_TURN;
/** How much that was the last time, and when. */
let lookAfter = A_TURN;
let lookedAt = 0;
/** How much was done for peers since all sockets were looked at, in milliseconds. */
let work = 0;
/** And, while that goes on, since the loop went round last. */
let workInRound = 0;
/** Those who wait for that wait together. */
let polling: Promise<void> | undefined;
/** `setImmediate`, looked up when it is needed first: the runtime loads a part of Node for it, in 5 ms. */
let immediate: ((callback: Callback) => void) | undefined;

/** Calls back at the end of this turn, in the order asked for. A callback that throws is a bug: the
 * others run all the same, and the program hears of it as of any uncaught error. */
export function atEndOfTurn(callback: Callback): void {
  waiting.push(callback);
  if (!scheduled) {
    scheduled = true;
    scheduleEnd();
  }
}

/**
 * For what is answered at once, without an end of turn, so that a loop that awaits one answer after
 * another does not keep the event loop for ever.
 *
 * @returns What to wait for besides the answer, once in a while; mostly undefined.
 */
export function loopPause(): Promise<void> | undefined {
  // what is told at the end of the turn is told before the answer, as without a pause
  if (!endWaits && !chainIsLong()) return undefined;
  return pollSockets().then(endChain);
}

/**
 * The same for what takes next to no time: publishing, and taking the next delivery of those that are there.
 *
 * @param count How much of it was done since one asked before.
 * @returns What to wait for before more of it is done; mostly undefined.
 */
export function briefPause(count = 1): Promise<void> | undefined {
  return (unlooked -= count) > 0 || !looksLong() ? undefined : pollSockets().then(endChain);
}

/** How much of that may be done before one asks again: about a millisecond's worth, but not very much. */
export function untilBriefPause(): number {
  return lookAfter;
}

/** Resolves when the event loop has gone round: for long work that is done in slices. */
export function loopRound(): Promise<void> {
  return new Promise((resolve) => afterLoop(resolve));
}

/**
 * Resolves when the runtime has looked at all sockets. While there is always something to do the loop goes
 * round without looking at them: its runtime does that only once in 61 rounds. A peer that sends flat out,
 * or long work in slices, would keep the others waiting for a second.
 *
 * Who waits at the same time waits for the same: while one works others would not get round often enough.
 */
export function pollSockets(): Promise<void> {
  return polling ??= goRound(OTHERS_MS).then(polled);
}

/** True when so much was done in this turn for one peer after another that the next ones wait: many of them may
 * have sent something in the same moment. */
export function turnIsLong(): boolean {
  return workInRound >= WORK_MS && polling !== undefined;
}

/** The same, however long the others work in each round: for those who are the reason why they do. */
export function pollAllSockets(): Promise<void> {
  return goRound(Infinity);
}

function goRound(maxMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = performance.now() + maxMs;
    // timers alone are slow, and where there is nothing else sockets have their turn with them
    let left = "setImmediate" in globalThis ? ROUNDS : 1;
    const next = () => {
      workInRound = 0;
      if (--left > 0 && performance.now() < end) afterLoop(next);
      else resolve();
    };
    afterLoop(next);
  });
}

function polled(): void {
  polling = undefined;
}

/**
 * Counts what is done at a stretch for one peer or another.
 *
 * @param ms How long it took.
 * @returns What to wait for before more of it is done; mostly undefined.
 */
export function worked(ms: number): Promise<void> | undefined {
  work += ms;
  workInRound += ms;
  if (work < WORK_MS) return undefined;
  work = 0;
  // what was done before may have been done in other turns
  if (polling === undefined) workInRound = ms;
  return pollSockets();
}

function scheduleEnd(): void {
  if (!chainIsLong()) queueMicrotask(endTurn);
  else {
    endWaits = true;
    void pollSockets().then(() => {
      endWaits = false;
      endChain();
      endTurn();
    });
  }
}

function endChain(): void {
  watchedSince = 0;
}

function endTurn(): void {
  const callbacks = waiting;
  waiting = spare;
  for (let index = 0; index < callbacks.length; index++) {
    try {
      callbacks[index]!();
    } catch (bug) {
      queueMicrotask(() => {
        throw bug;
      });
    }
  }
  callbacks.length = 0;
  spare = callbacks;
  if (waiting.length === 0) scheduled = false;
  else scheduleEnd();
}

/** True when ends of turn have followed one another for longer than the event loop should wait. */
function chainIsLong(): boolean {
  return (unlooked -= A_TURN) <= 0 && looksLong();
}

function looksLong(): boolean {
  const now = performance.now();
  const much = lookAfter * LOOK_MS / Math.max(now - lookedAt, 0.001);
  unlooked = lookAfter = Math.max(1, Math.min(much, 2 * lookAfter, LOOK_AFTER)) | 0;
  lookedAt = now;
  unwatchedSince ??= now + FIRST_UNWATCHED_MS - UNWATCHED_MS;
  if (watchedSince !== 0) return now - watchedSince > CHAIN_MS;
  if (now - unwatchedSince > UNWATCHED_MS) {
    unwatchedSince = watchedSince = now;
    afterLoop(endChain);
  }
  return false;
}

/** Calls back after the event loop has gone round: sockets, then timers, then this. */
function afterLoop(callback: Callback): void {
  immediate ??= "setImmediate" in globalThis
    ? (globalThis as unknown as { setImmediate: (callback: Callback) => void }).setImmediate
    : (callback) => setTimeout(callback, 0);
  immediate(callback);
}

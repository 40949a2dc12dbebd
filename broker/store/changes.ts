import type { Batch } from "./batch.ts";
import { HEADER_SIZE, RECORD, writePosition } from "./records.ts";
import type { StoredQueue } from "./stored_queue.ts";
import { forEachGroup } from "./triples.ts";

const MARK_SIZE = 10;

/**
 * What became of messages that are written already: settlements, returns and marks. They are only
 * noted, queue by queue, and become records when the batch is written, so that many are one record.
 */
export class Changes {
  /** Queues of which something is to be written. */
  private readonly _queues: StoredQueue[] = [];

  /** How many queues have something to be written. */
  get count(): number {
    return this._queues.length;
  }

  /** The segments that settlements are about. */
  get settledSegments(): Set<number> {
    const segments = new Set<number>();
    for (const { settledRuns } of this._queues) {
      for (let at = 0; at < settledRuns.length; at += 3) segments.add(settledRuns[at]!);
    }
    return segments;
  }

  /** A queue has done with a message in this segment. */
  settled(queue: StoredQueue, segment: number, position: number): void {
    const runs = queue.settledRuns;
    const last = runs.length - 1;
    if (last > 0 && runs[last] === position - 1 && runs[last - 2] === segment) {
      runs[last] = position;
    } else runs.push(segment, position, position);
    this._add(queue);
  }

  /** A message in this segment came back to its queue; so often by now. */
  returned(queue: StoredQueue, segment: number, triple: { position: number; count: number }): void {
    queue.returns.push(segment, triple.position, triple.count);
    this._add(queue);
  }

  /** A queue's mark is higher now. */
  marked(queue: StoredQueue): void {
    queue.markChanged = true;
    this._add(queue);
  }

  /** Adds all to the batch and forgets it. */
  collect(batch: Batch): void {
    const queues = this._queues;
    if (queues.length === 0) return;
    this._collectMarks(batch);
    // Settlements come last: what a message was replaced by must be there before it is gone.
    for (const { id, returns } of queues) {
      if (returns.length === 0) continue;
      forEachGroup(returns, (from, to) => batch.returned(id, returns, from, to));
      returns.length = 0;
    }
    for (const queue of queues) {
      const { id, settledRuns, dropsInOrder } = queue;
      queue.changed = false;
      if (settledRuns.length === 0) continue;
      const settle = (from: number, to: number) => batch.settle(id, settledRuns, from, to);
      forEachGroup(settledRuns, settle, dropsInOrder);
      settledRuns.length = 0;
    }
    queues.length = 0;
  }

  private _collectMarks(batch: Batch): void {
    let marks = 0;
    for (const queue of this._queues) if (queue.markChanged) marks++;
    if (marks === 0) return;
    let at = batch.begin(marks * MARK_SIZE) + HEADER_SIZE;
    for (const queue of this._queues) {
      if (!queue.markChanged) continue;
      queue.markChanged = false;
      batch.view.setUint32(at, queue.id, true);
      writePosition(batch.view, at + 4, queue.mark);
      at += MARK_SIZE;
    }
    batch.end(RECORD.mark, at, 0, 0);
  }

  private _add(queue: StoredQueue): void {
    if (queue.changed) return;
    queue.changed = true;
    this._queues.push(queue);
  }
}

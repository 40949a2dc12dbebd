import type { MessageQueue } from "../queue/message_queue.ts";
import type { ChannelConsumer } from "./consumer.ts";

/** Numbers of those who wait go round, and stay small integers. */
const NUMBER_MASK = 0x3fff_ffff;
/** Shifted by so much, the difference of two of them has a sign. */
const NUMBER_SHIFT = 2;

/**
 * Consumers of one channel that were refused for want of something which they share, so that all of them need not
 * be asked whenever there is some of it again. Queues have their turn one after another; of one queue's consumers
 * those of the highest priority come first, each in turn.
 */
export class WaitingConsumers {
  /** The only one that waits: mostly there is no other. */
  private _only: ChannelConsumer | undefined = undefined;
  private _byQueue: Map<MessageQueue, QueueWaiters> | undefined = undefined;
  /** The queue whose turn it is: one of a ring. */
  private _turn: QueueWaiters | undefined = undefined;
  private _number = 0;

  /** True when nobody waits. */
  get empty(): boolean {
    return this._only === undefined && this._turn === undefined;
  }

  /** Lets one wait here, and nowhere else. */
  add(consumer: ChannelConsumer): void {
    if (consumer.waitsAt === this) return;
    consumer.waitsAt?.remove(consumer);
    consumer.waitsAt = this;
    consumer.waitingNumber = this._number = (this._number + 1) & NUMBER_MASK;
    if (this.empty) {
      this._only = consumer;
      return;
    }
    if (this._only !== undefined) {
      this._put(this._only);
      this._only = undefined;
    }
    this._put(consumer);
  }

  private _put(consumer: ChannelConsumer): void {
    const byQueue = this._byQueue ??= new Map();
    let waiters = byQueue.get(consumer.queue);
    if (waiters === undefined) {
      byQueue.set(consumer.queue, waiters = new QueueWaiters());
      if (this._turn === undefined) this._turn = waiters;
      else waiters.joinBefore(this._turn);
    }
    waiters.add(consumer);
  }

  /** Takes out one that waits here. */
  remove(consumer: ChannelConsumer): void {
    consumer.waitsAt = undefined;
    if (consumer === this._only) {
      this._only = undefined;
      return;
    }
    const waiters = this._byQueue!.get(consumer.queue)!;
    waiters.remove(consumer);
    if (waiters.first === undefined) this._drop(consumer.queue, waiters);
  }

  private _drop(queue: MessageQueue, waiters: QueueWaiters): void {
    this._byQueue!.delete(queue);
    if (waiters === this._turn) this._turn = waiters.next === waiters ? undefined : waiters.next;
    waiters.leave();
  }

  /** Takes out the one whose turn it is. */
  shift(): ChannelConsumer | undefined {
    const next = this._only ?? this._turn?.first;
    if (next === undefined) return undefined;
    this._turn = this._turn?.next;
    this.remove(next);
    return next;
  }
}

/** Those of one queue: a heap. */
class QueueWaiters {
  /** Its neighbours in the ring of queues. */
  next: QueueWaiters = this;
  private _previous: QueueWaiters = this;
  private readonly _heap: ChannelConsumer[] = [];

  get first(): ChannelConsumer | undefined {
    return this._heap[0];
  }

  joinBefore(other: QueueWaiters): void {
    this.next = other;
    this._previous = other._previous;
    other._previous = this._previous.next = this;
  }

  leave(): void {
    this._previous.next = this.next;
    this.next._previous = this._previous;
    this.next = this._previous = this;
  }

  add(consumer: ChannelConsumer): void {
    this._place(consumer, this._heap.length);
  }

  remove(consumer: ChannelConsumer): void {
    const last = this._heap.pop()!;
    if (last !== consumer) this._place(last, consumer.waitingPlace);
  }

  /** Puts one where there is room, or further up or down. */
  private _place(consumer: ChannelConsumer, at: number): void {
    const heap = this._heap;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!comesBefore(consumer, heap[parent]!)) break;
      this._set(heap[parent]!, at);
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && comesBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!comesBefore(heap[child]!, consumer)) break;
      this._set(heap[child]!, at);
      at = child;
    }
    this._set(consumer, at);
  }

  private _set(consumer: ChannelConsumer, at: number): void {
    this._heap[at] = consumer;
    consumer.waitingPlace = at;
  }
}

function comesBefore(one: ChannelConsumer, other: ChannelConsumer): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority;
  return (one.waitingNumber - other.waitingNumber) << NUMBER_SHIFT < 0;
}

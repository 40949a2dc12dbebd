import { type Page, PagePool } from "../../broker/pages.ts";
import type { MessageQueue } from "../../broker/queue/message_queue.ts";
import { StreamQueue } from "../../broker/queue/stream/stream_queue.ts";
import { VirtualHost } from "../../broker/vhost/vhost.ts";

const { declareQueue } = VirtualHost.prototype;
const { pageFor, leavingPageFor } = PagePool.prototype;

/** Keeps an eye on all queues and pages that are made while it stands. */
export class Watch implements Disposable {
  readonly #queues = new Set<MessageQueue>();
  readonly #pages = new Set<Page>();

  constructor() {
    const queues = this.#queues;
    const pages = this.#pages;
    VirtualHost.prototype.declareQueue = function (...args) {
      const queue = declareQueue.apply(this, args);
      queues.add(queue);
      return queue;
    };
    PagePool.prototype.pageFor = function (size) {
      const page = pageFor.call(this, size);
      pages.add(page);
      return page;
    };
    PagePool.prototype.leavingPageFor = function (size) {
      const page = leavingPageFor.call(this, size);
      pages.add(page);
      return page;
    };
  }

  /** How many messages are delivered and not settled. */
  get unackedCount(): number {
    return [...this.#queues].reduce((sum, queue) => sum + queue.unackedCount, 0);
  }

  /** How many consumers there are. */
  get consumerCount(): number {
    return [...this.#queues].reduce((sum, queue) => sum + queue.consumerCount, 0);
  }

  /** Empties all queues but streams, which have to be gone by then; tells how many messages still lie in pages, held by nobody knows whom. */
  leakedMessages(): number {
    for (const queue of this.#queues) if (!(queue instanceof StreamQueue)) queue.purge();
    return [...this.#pages].reduce((sum, page) => sum + page.messages, 0);
  }

  /** Looks away. */
  [Symbol.dispose](): void {
    VirtualHost.prototype.declareQueue = declareQueue;
    PagePool.prototype.pageFor = pageFor;
    PagePool.prototype.leavingPageFor = leavingPageFor;
  }
}

/** What tests of dead letters share. */
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { PagePool } from "../../broker/pages.ts";
import type { MessageQueue } from "../../broker/queue/message_queue.ts";
import type { Store } from "../../broker/store/store.ts";
import type { DeadLetterLimits } from "../../broker/vhost/dead_letters.ts";
import { VirtualHost } from "../../broker/vhost/vhost.ts";
import { bodyOf } from "../queue/support.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { vhostParts } from "./support.ts";

/** A vhost whose time a test owns. */
export class TestHost extends VirtualHost {
  readonly clock: ManualClock;
  readonly pages: PagePool;
  readonly owner = {};

  constructor(store?: Store, pages = new PagePool(), deadLetters: DeadLetterLimits = {}) {
    const [clock, logger] = [new ManualClock(1), new RecordingLogger()];
    super("/", { ...vhostParts(clock, pages, logger), store, deadLetters });
    this.clock = clock;
    this.pages = pages;
  }

  add(name: string, arguments_: FieldTable = {}): MessageQueue {
    return this.declareQueue(name, {
      passive: false,
      durable: true,
      exclusive: false,
      autoDelete: false,
      arguments: arguments_,
    }, this.owner);
  }

  /** Takes all that waits in a queue, and tells the bodies. */
  drain(name: string): string[] {
    const queue = this.queues.get(name)!;
    const bodies: string[] = [];
    for (let entry = queue.take(); entry !== undefined; entry = queue.take()) {
      bodies.push(bodyOf(entry.message));
      queue.settle(entry);
    }
    return bodies;
  }
}

/** Arguments of a queue whose dead messages go to another one. */
export function deadTo(queue: string): FieldTable {
  return { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue };
}

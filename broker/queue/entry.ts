import type { Message } from "../message.ts";

/** A message in one queue: waiting, or delivered and not yet settled. What the constructor sets is only
 * declared, or it would be written twice. */
export class QueueEntry {
  /** The message, which other queues may share. */
  declare readonly message: Message;
  /** Where in the queue it belongs: grows with each message that comes in. */
  declare readonly position: number;
  /** True when the store has it too. */
  declare readonly stored: boolean;
  /** When it is too old to be delivered, in milliseconds since 1970; 0: never. */
  declare readonly deadline: number;
  /** Its priority in this queue. */
  declare readonly priority: number;
  /** True once it has been delivered to anybody. */
  declare redelivered: boolean;
  /** How often it came back from a consumer without being settled, as far as that counts towards the
   * delivery limit. */
  declare deliveryCount: number;
  /** How often it came back at all. The store does not remember it where it differs. */
  declare acquiredCount: number;

  constructor(message: Message, position: number, stored = false, deadline = 0, priority = 0) {
    this.message = message;
    this.position = position;
    this.stored = stored;
    this.deadline = deadline;
    this.priority = priority;
    this.redelivered = false;
    this.deliveryCount = 0;
    this.acquiredCount = 0;
  }
}

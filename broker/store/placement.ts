import type { StoredBody } from "./stored_body.ts";
import type { StoredQueue } from "./stored_queue.ts";

/** Where a message goes: the queues that took it. Made once and filled anew for each message. */
export class Placement {
  /** Its priority, 0 to 255. */
  priority = 0;
  /** True when its publisher says that this is 0, and a queue wants to know. */
  lowest = false;
  /** True when it need not survive a restart: it is stored because memory is short. */
  transient = false;
  /** True when some of its queues keep it although it says that it need not survive: a durable one that
   * does not would find it again after a restart. */
  keptByOthers = false;
  /** Its body, when that came in pieces; the message's own is then ignored. */
  body: StoredBody | undefined = undefined;
  /**
   * True when the message's body has a buffer of its own, to which nobody will write as long as any
   * of the queues has the message. A large body is then written straight from there; without this
   * promise it is copied, as small ones always are.
   */
  bodyStays = false;
  /** How many queues took it. */
  count = 0;
  /** True when it has a deadline in any of them. */
  hasDeadlines = false;
  /** The queues. */
  readonly queues: StoredQueue[] = [];
  /** Its position in each. */
  readonly positions: number[] = [];
  /** When it expires in each, in milliseconds since 1970; 0: never. */
  readonly deadlines: number[] = [];

  /** One more queue took it. */
  add(queue: StoredQueue, position: number, deadline = 0): void {
    const at = this.count++;
    this.queues[at] = queue;
    this.positions[at] = position;
    this.deadlines[at] = deadline;
    if (deadline !== 0) this.hasDeadlines = true;
  }

  /** Ready for the next message. */
  clear(): void {
    this.priority = 0;
    this.lowest = this.transient = this.keptByOthers = false;
    this.body = undefined;
    this.bodyStays = false;
    this.count = 0;
    this.hasDeadlines = false;
  }
}

import { pollSockets } from "../../broker/amqp/turn.ts";

/**
 * Lets others have so many turns: timers that are due go off, what is under way arrives, and what waits until
 * all sockets were looked at goes on, however long a round of the loop takes.
 */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => setTimeout(resolve));
    await pollSockets();
  }
}

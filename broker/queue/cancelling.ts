import type { QueueConsumer } from "./consumer.ts";
import { Discard } from "./discard.ts";

/**
 * Tells consumers that their queue is gone: at once if they are few, or so many at a time. Who leaves by
 * himself meanwhile is not told.
 *
 * @param consumers Those that are there, as long as they are.
 * @param remove Takes one of them out.
 */
export function cancelAll(
  consumers: Iterator<QueueConsumer>,
  remove: (consumer: QueueConsumer) => void,
): void {
  new Discard().add((max) => {
    for (let count = 0; count < max; count++) {
      const { done, value } = consumers.next();
      if (done === true) return true;
      remove(value);
      value.cancelled();
    }
    return false;
  });
}

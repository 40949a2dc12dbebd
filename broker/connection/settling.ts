import type { Steps } from "../amqp/long_work.ts";
import type { ReturnCause } from "../queue/message_queue.ts";
import type { BrokerChannel } from "./channel.ts";
import type { ChannelConsumer } from "./consumer.ts";
import { giveBack } from "./giving_back.ts";
import type { Settlement } from "./transaction.ts";
import type { UnackedDelivery } from "./unacked.ts";

/** So many are settled in one step. */
const CHUNK = 64;
/** What that costs: an ack is little, a message that dies is published once more. */
const ACKED = 8;
const DIED = 16;

/**
 * Settles very many deliveries of a channel: as `BrokerChannel.settle` does it with a few. Its consumers
 * are not offered more yet.
 *
 * @param deliveries In the order of their tags; each is taken out of `unacked` by the time that it is come
 * to.
 */
export function* settleEach(
  channel: BrokerChannel,
  deliveries: Iterable<UnackedDelivery>,
  settlement: Settlement,
): Steps {
  if (settlement === "requeue" || settlement === "fail") {
    return yield* requeue(channel, deliveries, settlement === "fail" ? "rejected" : "givenBack");
  }
  const cost = settlement === "ack" ? ACKED : DIED;
  let count = 0;
  for (const delivery of deliveries) {
    channel.settleTaken(delivery, settlement);
    if (++count % CHUNK === 0) yield cost;
  }
}

/** Only when all are back there is room for more, so that nothing new overtakes them. */
function* requeue(
  channel: BrokerChannel,
  deliveries: Iterable<UnackedDelivery>,
  cause: ReturnCause,
): Steps {
  const taken = new Map<ChannelConsumer, number>();
  const counted = function* () {
    for (const delivery of deliveries) {
      const { consumer } = delivery;
      if (consumer !== undefined) taken.set(consumer, (taken.get(consumer) ?? 0) + 1);
      yield delivery;
    }
  };
  yield* giveBack(counted(), cause);
  for (const [consumer, count] of taken) channel.relieve(consumer, count);
}

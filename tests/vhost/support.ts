/** What tests of a vhost by itself share. */
import { BrokerEvents } from "../../broker/events.ts";
import type { PagePool } from "../../broker/pages.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { DelayedMessages } from "../../broker/vhost/delayed_messages.ts";
import type { ManualClock } from "../support/manual_clock.ts";
import type { RecordingLogger } from "../support/recording_logger.ts";

/** What a vhost is made of around these, without a store. */
export function vhostParts(clock: ManualClock, pages: PagePool, logger: RecordingLogger) {
  return {
    pages,
    exchangeTypes: new ExchangeTypes(),
    logger,
    events: new BrokerEvents(clock, () => {}),
    clock,
    delayed: new DelayedMessages({ clock, pages, logger }),
  };
}

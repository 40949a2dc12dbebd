/** What tests and a bench of a vhost by itself share. */
import type { Clock } from "../../broker/amqp/clock.ts";
import type { Logger } from "../../broker/amqp/logger.ts";
import { BrokerEvents } from "../../broker/events.ts";
import type { PagePool } from "../../broker/pages.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { DelayedMessages } from "../../broker/vhost/delayed_messages.ts";

/** What a vhost is made of around these, without a store. */
export function vhostParts(clock: Clock, pages: PagePool, logger: Logger) {
  return {
    pages,
    exchangeTypes: new ExchangeTypes(),
    logger,
    events: new BrokerEvents(clock, () => {}),
    clock,
    delayed: new DelayedMessages({ clock, pages, logger }),
  };
}

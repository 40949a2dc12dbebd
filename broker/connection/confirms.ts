import { basicAck } from "../amqp/methods/basic.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { BrokerChannel } from "./channel.ts";

/**
 * Publisher confirms of one channel: messages are numbered from 1 as they come, and at the end of
 * each turn one `basic.ack` covers all that the turn confirmed.
 */
export class PublisherConfirms {
  readonly #channel: BrokerChannel;
  #confirmed = 0;
  #sent = 0;
  #marked = false;
  readonly #flush = () => {
    this.#marked = false;
    if (this.#channel.ended || this.#sent === this.#confirmed) return;
    const multiple = this.#confirmed - this.#sent > 1;
    this.#sent = this.#confirmed;
    this.#channel.send(basicAck({ deliveryTag: this.#confirmed, multiple }));
  };

  constructor(channel: BrokerChannel) {
    this.#channel = channel;
  }

  /** The next message of the channel has been taken by all of its queues. */
  confirmNext(): void {
    this.#confirmed++;
    if (this.#marked) return;
    this.#marked = true;
    atEndOfTurn(this.#flush);
  }
}

import { basicAck, basicNack } from "../amqp/methods/basic.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { BrokerChannel } from "./channel.ts";

/**
 * Publisher confirms of one channel: messages are numbered from 1 as they come, and at the end of
 * each turn one `basic.ack` covers all that the turn confirmed. A turn in which the store took a
 * message is confirmed when the store has synced, and what comes after waits behind it.
 */
export class PublisherConfirms {
  readonly #channel: BrokerChannel;
  /** Number of the last message that came. */
  #last = 0;
  /** Number of the last message of which the client has heard. */
  #sent = 0;
  #marked = false;
  /** True when the store took a message of this turn. */
  #stored = false;
  /** How many turns wait for the store. */
  #waiting = 0;
  readonly #flush = () => {
    this.#marked = false;
    const stored = this.#stored;
    this.#stored = false;
    const { store } = this.#channel.connection.vhost;
    if (store === undefined || (!stored && this.#waiting === 0)) return this.#confirm(this.#last);
    const last = this.#last;
    this.#waiting++;
    store.whenSynced((error) => {
      this.#waiting--;
      this.#confirm(last, error !== undefined);
    });
  };

  constructor(channel: BrokerChannel) {
    this.#channel = channel;
  }

  /** Of how many messages the client has heard. */
  get told(): number {
    return this.#sent;
  }

  /** How many messages the client has not heard of. */
  get unconfirmed(): number {
    return this.#last - this.#sent;
  }

  /**
   * The next message of the channel has been taken by all of its queues.
   *
   * @param stored True when it is safe only once the store has synced.
   */
  confirmNext(stored = false): void {
    this.#last++;
    if (stored) this.#stored = true;
    if (this.#marked) return;
    this.#marked = true;
    atEndOfTurn(this.#flush);
  }

  /** The next message of the channel could not be taken. What came before it is confirmed by itself,
   * so that no ack seems to cover the one that was refused. */
  refuseNext(): void {
    if (this.#last > this.#sent) this.#flush();
    const refused = ++this.#last;
    const { store } = this.#channel.connection.vhost;
    if (store === undefined || this.#waiting === 0) return this.#confirm(refused, true);
    this.#waiting++;
    store.whenSynced(() => {
      this.#waiting--;
      this.#confirm(refused, true);
    });
  }

  #confirm(last: number, failed = false): void {
    if (this.#channel.ended || last <= this.#sent) return;
    const multiple = last - this.#sent > 1;
    this.#sent = last;
    this.#channel.send(
      failed
        ? basicNack({ deliveryTag: last, multiple, requeue: false })
        : basicAck({ deliveryTag: last, multiple }),
    );
  }
}

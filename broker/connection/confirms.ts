import { basicAck, basicNack } from "../amqp/methods/basic.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { BrokerChannel } from "./channel.ts";

/**
 * Publisher confirms of one channel: messages are numbered from 1 as they come, and at the end of
 * each turn one `basic.ack` covers all that the turn confirmed. A turn in which the store took a
 * message is confirmed when the store has synced, and what comes after waits behind it.
 */
export class PublisherConfirms {
  private readonly _channel: BrokerChannel;
  /** Number of the last message that came. */
  private _last = 0;
  /** Number of the last message of which the client has heard. */
  private _sent = 0;
  private _marked = false;
  /** True when the store took a message of this turn. */
  private _stored = false;
  /** How many turns wait for the store. */
  private _waiting = 0;
  private readonly _flush = () => {
    this._marked = false;
    const stored = this._stored;
    this._stored = false;
    const { store } = this._channel.connection.vhost;
    if (store === undefined || (!stored && this._waiting === 0)) return this._confirm(this._last);
    const last = this._last;
    this._waiting++;
    store.whenSynced((error) => {
      this._waiting--;
      this._confirm(last, error !== undefined);
    });
  };

  constructor(channel: BrokerChannel) {
    this._channel = channel;
  }

  /** Of how many messages the client has heard. */
  get told(): number {
    return this._sent;
  }

  /** How many messages the client has not heard of. */
  get unconfirmed(): number {
    return this._last - this._sent;
  }

  /**
   * The next message of the channel has been taken by all of its queues.
   *
   * @param stored True when it is safe only once the store has synced.
   */
  confirmNext(stored = false): void {
    this._last++;
    if (stored) this._stored = true;
    if (this._marked) return;
    this._marked = true;
    atEndOfTurn(this._flush);
  }

  /** The next message of the channel could not be taken. What came before it is confirmed by itself,
   * so that no ack seems to cover the one that was refused. */
  refuseNext(): void {
    if (this._last > this._sent) this._flush();
    const refused = ++this._last;
    const { store } = this._channel.connection.vhost;
    if (store === undefined || this._waiting === 0) return this._confirm(refused, true);
    this._waiting++;
    store.whenSynced(() => {
      this._waiting--;
      this._confirm(refused, true);
    });
  }

  /** The channel is about to end: what is safe now is confirmed, since nothing is after that. */
  confirmTaken(): void {
    if (!this._stored && this._waiting === 0) this._confirm(this._last);
  }

  private _confirm(last: number, failed = false): void {
    if (this._channel.ended || last <= this._sent) return;
    const multiple = last - this._sent > 1;
    this._sent = last;
    this._channel.send(
      failed
        ? basicNack({ deliveryTag: last, multiple, requeue: false })
        : basicAck({ deliveryTag: last, multiple }),
    );
  }
}

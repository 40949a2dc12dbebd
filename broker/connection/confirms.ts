import { basicAck, basicNack } from "../amqp/methods/basic.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { BrokerChannel } from "./channel.ts";

/**
 * Publisher confirms of one channel: messages are numbered from 1 as they come, and at the end of
 * each turn one `basic.ack` covers all that the turn confirmed. A turn in which the store took a
 * message is confirmed when the store has synced, and what comes after waits behind it. Only what came
 * back to its publisher is confirmed by itself, and at once.
 */
export class PublisherConfirms {
  private readonly _channel: BrokerChannel;
  /** Number of the last message that came. */
  private _last = 0;
  /** Number of the last one that was not confirmed by itself. */
  private _due = 0;
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
    if (store === undefined || (!stored && this._waiting === 0)) return this._confirm(this._due);
    const last = this._due;
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
    this._due = ++this._last;
    if (stored) this._stored = true;
    if (this._marked) return;
    this._marked = true;
    atEndOfTurn(this._flush);
  }

  /**
   * The next message of the channel has just come back to its publisher, after {@linkcode confirmTaken}.
   * Nothing may be confirmed in between: an ack does not say what came back, so some clients take it for
   * the message that is confirmed next. RabbitMQ confirms it before anything else, too.
   */
  confirmReturned(): void {
    const deliveryTag = ++this._last;
    // those before it may wait for the store; they are told of later, and it is not told of twice
    if (this._due <= this._sent) this._due = this._sent = deliveryTag;
    this._channel.send(basicAck({ deliveryTag, multiple: false }));
  }

  /** The next message of the channel could not be taken. What came before it is confirmed by itself,
   * so that no ack seems to cover the one that was refused. */
  refuseNext(): void {
    if (this._due > this._sent) this._flush();
    const refused = this._due = ++this._last;
    const { store } = this._channel.connection.vhost;
    if (store === undefined || this._waiting === 0) return this._refuse(refused);
    this._waiting++;
    store.whenSynced(() => {
      this._waiting--;
      this._refuse(refused);
    });
  }

  /** What is safe now is confirmed now: the channel is about to end, or a message to come back. */
  confirmTaken(): void {
    if (!this._stored && this._waiting === 0) this._confirm(this._due);
  }

  /** All before it was told of. Some of that may have come back to its publisher, which a nack of many would
   * seem to refuse. */
  private _refuse(deliveryTag: number): void {
    if (this._channel.ended) return;
    this._noteSent(deliveryTag);
    this._channel.send(basicNack({ deliveryTag, multiple: false, requeue: false }));
  }

  private _noteSent(last: number): void {
    this._sent = last === this._due ? this._last : last;
  }

  private _confirm(last: number, failed = false): void {
    if (this._channel.ended || last <= this._sent) return;
    const multiple = last - this._sent > 1;
    this._noteSent(last);
    this._channel.send(
      failed
        ? basicNack({ deliveryTag: last, multiple, requeue: false })
        : basicAck({ deliveryTag: last, multiple }),
    );
  }
}

import { doBatch } from "../amqp/batches.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { BrokerChannel } from "./channel.ts";
import type { ChannelConsumer } from "./consumer.ts";
import { WaitingConsumers } from "./waiting_consumers.ts";

/** So many consumers are offered more in one turn. */
const OFFERED_AT_ONCE = 1024;

/** Consumers of one channel that had no room for more, and when they are offered some again. */
export class RoomOffers {
  /** Those that wait for the peer to take what was sent, */
  readonly forLink: WaitingConsumers = new WaitingConsumers();
  /** and for room of the whole channel. */
  readonly forRoom: WaitingConsumers = new WaitingConsumers();
  private readonly _channel: BrokerChannel;
  /** Those of which something was settled. */
  private readonly _relieved: ChannelConsumer[] = [];
  /** Whether those who wait for room came before those who wait for the link, the last time. */
  private _roomFirst = false;
  private _goesOnLater = false;

  constructor(channel: BrokerChannel) {
    this._channel = channel;
  }

  /** Something of a consumer is settled: it is to be offered more, with the next offer. */
  relieve(consumer: ChannelConsumer): void {
    if (consumer.inRow || consumer.relieved) return;
    consumer.relieved = true;
    this._relieved.push(consumer);
  }

  /** Offers more to all that may have some again. */
  offer(): void {
    // by turns: those who wait in one of both may take all that the link has room for, each time
    const roomFirst = this._roomFirst = !this._roomFirst;
    if (roomFirst && !this.forRoom.empty) this._offerWaiting(this.forRoom);
    if (!this.forLink.empty) this._offerWaiting(this.forLink);
    if (!roomFirst && !this.forRoom.empty) this._offerWaiting(this.forRoom);
    this._offerRelieved();
  }

  /** The same where something was settled, and the link is as it was. */
  offerSettled(): void {
    if (!this.forRoom.empty) this._offerWaiting(this.forRoom);
    this._offerRelieved();
  }

  /** Asks those that wait, as long as there is what they wait for. */
  private _offerWaiting(waiting: WaitingConsumers): void {
    const channel = this._channel;
    const { link } = channel.connection;
    const needsRoom = waiting === this.forRoom;
    for (let count = 0; !channel.ended && !link.full && (!needsRoom || channel.hasRoom); count++) {
      if (count === OFFERED_AT_ONCE) return this._goOnLater();
      const next = waiting.shift();
      if (next === undefined) return;
      offerTo(next);
    }
  }

  private _goOnLater(): void {
    if (this._goesOnLater) return;
    this._goesOnLater = true;
    const goOn = () => {
      this._goesOnLater = false;
      this.offer();
    };
    atEndOfTurn(() => doBatch(goOn));
  }

  private _offerRelieved(): void {
    const relieved = this._relieved;
    for (let index = 0; index < relieved.length; index++) {
      const consumer = relieved[index]!;
      consumer.relieved = false;
      offerTo(consumer);
    }
    relieved.length = 0;
  }
}

function offerTo(consumer: ChannelConsumer): void {
  if (!consumer.inRow) consumer.queue.consumerHasRoom(consumer);
}

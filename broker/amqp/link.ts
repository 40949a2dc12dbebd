import type { ConsumerTag } from "./consumer_tag.ts";
import type { Content } from "./content.ts";
import type { AmqpError } from "./error.ts";
import type { Method } from "./methods/mod.ts";
import type { BasicGetOk, BasicPublish, BasicReturn } from "./methods/basic.ts";

/** The methods that carry content, apart from `basic.deliver`, which has calls of its own. */
export type ContentMethod = BasicPublish | BasicReturn | BasicGetOk;

/**
 * One end of a conversation of methods between a client and a broker: the waist of the house.
 *
 * Above it nobody can tell whether the other end is in the same process (`memory_link.ts`) or
 * behind a socket (`wire_link.ts`). Sending never blocks and never throws: what is sent to a link
 * that has closed is dropped, and its receiver has been told so by `closed`.
 */
export interface Link {
  /** Sends a method without content. */
  send(channel: number, method: Method): void;
  /** Sends a method with content. Bytes are taken before the call returns; the method may be sent again, so
   * nobody changes it. */
  sendContent(channel: number, method: ContentMethod, content: Content): void;
  /** Sends `basic.deliver`; exchange and routing key are the content's. As numbers, not as an
   * object, since this is the hot path. */
  sendDelivery(
    channel: number,
    consumerTag: ConsumerTag,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void;
  /** The same, for the first time, of a content whose body nobody ever writes to again (`transferred`):
   * while the peer takes nothing, the body may stay where it is, whoever else is sent it. */
  sendSharedDelivery(
    channel: number,
    consumerTag: ConsumerTag,
    deliveryTag: number,
    content: Content,
  ): void;
  /** Sends `basic.ack` of one delivery. As a number, for the same reason. */
  sendAck(channel: number, deliveryTag: number): void;
  /** While this is on, acks that are sent may wait for one another, but not for anything else that is
   * sent: they go together when it is turned off. */
  collectAcks(on: boolean): void;
  /** Makes an object for the content of publishes, with nothing in it; it is asked for when there is none, or
   * the one before is `kept`. */
  newContent(): Content;
  /** True when so much waits to be taken by the peer that no more deliveries or publishes should be
   * sent; `drained` of the receiver tells when that is over. */
  readonly full: boolean;
  /** How many bytes have come of contents of which more is to come. */
  readonly unfinishedBytes: number;
  /** Asks for nothing more to be brought (true) or for more again (false): the receiver has as much
   * as it wants to hold. What is under way still comes. */
  throttle(on: boolean): void;
  /** The same for the deliveries of one consumer. Where all of a peer's come one after another it cannot be. */
  throttleConsumer?(channel: number, consumerTag: string, on: boolean): void;
  /** Ends the conversation after what was sent has been written. */
  close(): void;
}

/**
 * Who takes what a {@linkcode Link} brings. None of these may throw.
 *
 * The client's receiver never sends from inside these calls and never runs code of its user there:
 * in one process the broker is in the middle of something at that moment. It puts that off to the
 * end of the turn (`turn.ts`).
 */
export interface LinkReceiver {
  /** A method without content came. */
  receive(channel: number, method: Method): void;
  /** A method with all of its content came. The content is valid during the call, and tells the routing key:
   * a publish to an address that never came before has a method without it. */
  receiveContent(channel: number, method: ContentMethod, content: Content): void;
  /** As that of the link, when it has objects of its own kind. */
  newContent?(): Content;
  /** `basic.deliver` came with all of its content, which is valid during the call. */
  receiveDelivery(
    channel: number,
    consumerTag: string,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void;
  /** `basic.ack` came, one for each delivery from a tag up to another, that included. As numbers, since
   * there is one for each message; to a receiver without this they come as methods, as one does that is
   * for several deliveries. */
  receiveAcks?(channel: number, first: number, last: number): void;
  /** The peer broke the framing or the syntax: the connection must close with this error. */
  failed(error: AmqpError): void;
  /** `full` was true and is no longer. */
  drained(): void;
  /** The peer wants no more deliveries for one of its consumers (true), or more again (false). */
  consumerThrottled?(channel: number, consumerTag: string, on: boolean): void;
  /** The link is gone; called once, and nothing comes after it. Without an error when either side
   * ended it in an orderly way. */
  closed(error?: Error): void;
}

/**
 * The protocol's one table: AMQP 0-9-1 with the extensions that RabbitMQ made common
 * (`exchange.bind`, `basic.nack`, `confirm.select`, `connection.blocked`, ...). `codegen.ts` prints
 * the codec in `methods/` from it.
 *
 * - `from`: who may send the method.
 * - `fields`: in wire order, as `type name name, type name`. A field called `reserved` is sent as
 *   zero, skipped when read, and exists nowhere above the codec. Bits that follow one another share
 *   an octet, the first in its lowest bit.
 * - `replies`: the methods of the same class that may answer; a method that has some is synchronous.
 * - `content`: a content header and bodies follow.
 * - `about`: what the doc comments say.
 *
 * @module
 */

/** Types of method fields. `text` travels as a `longstr` and is known to hold UTF-8. */
export type FieldType =
  | "bit"
  | "octet"
  | "short"
  | "long"
  | "longlong"
  | "shortstr"
  | "longstr"
  | "text"
  | "table";

/** Facts about one method. */
export interface MethodSpec {
  /** Its id within its class. */
  readonly id: number;
  /** Who may send it. */
  readonly from: "client" | "server" | "both";
  /** What it does, to go on after its name. */
  readonly about: string;
  /** In wire order, as `type name name, type name`. */
  readonly fields?: string;
  /** The methods of the same class that may answer it. */
  readonly replies?: readonly string[];
  /** A content header and bodies follow. */
  readonly content?: true;
  /** What may be remembered with it: a property `bears` of the method that is on no wire. */
  readonly bears?: string;
}

/** Facts about one class. */
export interface ClassSpec {
  /** Its id, which no other class has. */
  readonly id: number;
  /** What it is for, to go on after its name. */
  readonly about: string;
  /** By name, in the order of their ids. */
  readonly methods: Readonly<Record<string, MethodSpec>>;
}

/** All classes by name. */
// deno-fmt-ignore: one method, two lines
export const SPEC: Readonly<Record<string, ClassSpec>> = {
  connection: { id: 10, about: "login, limits and the end of a connection; on channel 0 alone", methods: {
    "start": { id: 10, from: "server", replies: ["start-ok"], about: "opens the conversation and offers SASL mechanisms",
      fields: "octet version-major version-minor, table server-properties, text mechanisms locales" },
    "start-ok": { id: 11, from: "client", about: "picks a mechanism and gives its first response",
      fields: "table client-properties, shortstr mechanism, longstr response, shortstr locale" },
    "secure": { id: 20, from: "server", replies: ["secure-ok"], about: "asks for one more SASL response",
      fields: "longstr challenge" },
    "secure-ok": { id: 21, from: "client", about: "answers a SASL challenge",
      fields: "longstr response" },
    "tune": { id: 30, from: "server", replies: ["tune-ok"], about: "proposes limits and a heartbeat interval in seconds",
      fields: "short channel-max, long frame-max, short heartbeat" },
    "tune-ok": { id: 31, from: "client", about: "decides on limits and the heartbeat interval in seconds",
      fields: "short channel-max, long frame-max, short heartbeat" },
    "open": { id: 40, from: "client", replies: ["open-ok"], about: "enters a vhost",
      fields: "shortstr virtual-host reserved, bit reserved" },
    "open-ok": { id: 41, from: "server", about: "confirms that the connection is ready",
      fields: "shortstr reserved" },
    "close": { id: 50, from: "both", replies: ["close-ok"], about: "ends the connection and says why",
      fields: "short reply-code, shortstr reply-text, short class-id method-id" },
    "close-ok": { id: 51, from: "both", about: "confirms the end of the connection" },
    "blocked": { id: 60, from: "both", about: "tells a publisher that it is not being read for now",
      fields: "shortstr reason" },
    "unblocked": { id: 61, from: "both", about: "tells a publisher that it is being read again" },
    "update-secret": { id: 70, from: "client", replies: ["update-secret-ok"], about: "replaces credentials that expire",
      fields: "longstr new-secret, shortstr reason" },
    "update-secret-ok": { id: 71, from: "server", about: "confirms the new credentials" },
  } },
  channel: { id: 20, about: "the life of a channel", methods: {
    "open": { id: 10, from: "client", replies: ["open-ok"], about: "opens a channel",
      fields: "shortstr reserved" },
    "open-ok": { id: 11, from: "server", about: "confirms that the channel is open",
      fields: "longstr reserved" },
    "flow": { id: 20, from: "both", replies: ["flow-ok"], about: "asks the peer to pause or go on sending content",
      fields: "bit active" },
    "flow-ok": { id: 21, from: "both", about: "confirms `channel.flow`",
      fields: "bit active" },
    "close": { id: 40, from: "both", replies: ["close-ok"], about: "ends the channel and says why",
      fields: "short reply-code, shortstr reply-text, short class-id method-id" },
    "close-ok": { id: 41, from: "both", about: "confirms the end of the channel" },
  } },
  access: { id: 30, about: "tickets of AMQP 0-8, which old clients still ask for", methods: {
    "request": { id: 10, from: "client", replies: ["request-ok"], about: "asks for an access ticket",
      fields: "shortstr realm, bit exclusive passive active write read" },
    "request-ok": { id: 11, from: "server", about: "grants a ticket, which means nothing",
      fields: "short ticket" },
  } },
  exchange: { id: 40, about: "exchanges and the bindings between them", methods: {
    "declare": { id: 10, from: "client", replies: ["declare-ok"], about: "creates an exchange, or checks that it exists as described",
      fields: "short reserved, shortstr exchange type, bit passive durable auto-delete internal no-wait, table arguments" },
    "declare-ok": { id: 11, from: "server", about: "confirms `exchange.declare`" },
    "delete": { id: 20, from: "client", replies: ["delete-ok"], about: "deletes an exchange",
      fields: "short reserved, shortstr exchange, bit if-unused no-wait" },
    "delete-ok": { id: 21, from: "server", about: "confirms `exchange.delete`" },
    "bind": { id: 30, from: "client", replies: ["bind-ok"], about: "binds an exchange to another one",
      fields: "short reserved, shortstr destination source routing-key, bit no-wait, table arguments" },
    "bind-ok": { id: 31, from: "server", about: "confirms `exchange.bind`" },
    "unbind": { id: 40, from: "client", replies: ["unbind-ok"], about: "takes a binding between exchanges away",
      fields: "short reserved, shortstr destination source routing-key, bit no-wait, table arguments" },
    "unbind-ok": { id: 51, from: "server", about: "confirms `exchange.unbind`" },
  } },
  queue: { id: 50, about: "queues and their bindings", methods: {
    "declare": { id: 10, from: "client", replies: ["declare-ok"], about: "creates a queue, or checks that it exists as described",
      fields: "short reserved, shortstr queue, bit passive durable exclusive auto-delete no-wait, table arguments" },
    "declare-ok": { id: 11, from: "server", about: "tells the queue's name and how much is in it",
      fields: "shortstr queue, long message-count consumer-count" },
    "bind": { id: 20, from: "client", replies: ["bind-ok"], about: "binds a queue to an exchange",
      fields: "short reserved, shortstr queue exchange routing-key, bit no-wait, table arguments" },
    "bind-ok": { id: 21, from: "server", about: "confirms `queue.bind`" },
    "purge": { id: 30, from: "client", replies: ["purge-ok"], about: "discards the ready messages of a queue",
      fields: "short reserved, shortstr queue, bit no-wait" },
    "purge-ok": { id: 31, from: "server", about: "tells how many messages were discarded",
      fields: "long message-count" },
    "delete": { id: 40, from: "client", replies: ["delete-ok"], about: "deletes a queue",
      fields: "short reserved, shortstr queue, bit if-unused if-empty no-wait" },
    "delete-ok": { id: 41, from: "server", about: "tells how many messages went with the queue",
      fields: "long message-count" },
    "unbind": { id: 50, from: "client", replies: ["unbind-ok"], about: "takes a queue's binding away; has no no-wait",
      fields: "short reserved, shortstr queue exchange routing-key, table arguments" },
    "unbind-ok": { id: 51, from: "server", about: "confirms `queue.unbind`" },
  } },
  basic: { id: 60, about: "messages: publish, deliver, settle", methods: {
    "qos": { id: 10, from: "client", replies: ["qos-ok"], about: "sets the prefetch",
      fields: "long prefetch-size, short prefetch-count, bit global" },
    "qos-ok": { id: 11, from: "server", about: "confirms `basic.qos`" },
    "consume": { id: 20, from: "client", replies: ["consume-ok"], about: "starts a consumer",
      fields: "short reserved, shortstr queue consumer-tag, bit no-local no-ack exclusive no-wait, table arguments" },
    "consume-ok": { id: 21, from: "server", about: "tells the consumer tag",
      fields: "shortstr consumer-tag" },
    "cancel": { id: 30, from: "both", replies: ["cancel-ok"], about: "ends a consumer; from a server, says that its queue is gone",
      fields: "shortstr consumer-tag, bit no-wait" },
    "cancel-ok": { id: 31, from: "both", about: "confirms `basic.cancel`",
      fields: "shortstr consumer-tag" },
    "publish": { id: 40, from: "client", content: true, about: "publishes a message",
      bears: "What those who route it remember with it: links hand out the same object for the same address.",
      fields: "short reserved, shortstr exchange routing-key, bit mandatory immediate" },
    "return": { id: 50, from: "server", content: true, about: "gives back a mandatory message that reached no queue",
      fields: "short reply-code, shortstr reply-text exchange routing-key" },
    "deliver": { id: 60, from: "server", content: true, about: "delivers a message to a consumer",
      fields: "shortstr consumer-tag, longlong delivery-tag, bit redelivered, shortstr exchange routing-key" },
    "get": { id: 70, from: "client", replies: ["get-ok", "get-empty"], about: "asks for one message",
      fields: "short reserved, shortstr queue, bit no-ack" },
    "get-ok": { id: 71, from: "server", content: true, about: "gives the message asked for and how many are left",
      fields: "longlong delivery-tag, bit redelivered, shortstr exchange routing-key, long message-count" },
    "get-empty": { id: 72, from: "server", about: "says that no message is ready",
      fields: "shortstr reserved" },
    "ack": { id: 80, from: "both", about: "acks deliveries; from a server, confirms publishes",
      fields: "longlong delivery-tag, bit multiple" },
    "reject": { id: 90, from: "client", about: "rejects one delivery",
      fields: "longlong delivery-tag, bit requeue" },
    "recover-async": { id: 100, from: "client", about: "requeues all that is unacked, without an answer",
      fields: "bit requeue" },
    "recover": { id: 110, from: "client", replies: ["recover-ok"], about: "requeues all that is unacked",
      fields: "bit requeue" },
    "recover-ok": { id: 111, from: "server", about: "confirms `basic.recover`" },
    "nack": { id: 120, from: "both", about: "rejects deliveries; from a server, says that publishes were not taken",
      fields: "longlong delivery-tag, bit multiple requeue" },
  } },
  confirm: { id: 85, about: "publisher confirms", methods: {
    "select": { id: 10, from: "client", replies: ["select-ok"], about: "asks for publisher confirms on this channel",
      fields: "bit no-wait" },
    "select-ok": { id: 11, from: "server", about: "confirms `confirm.select`" },
  } },
  tx: { id: 90, about: "transactions of publishes and acks", methods: {
    "select": { id: 10, from: "client", replies: ["select-ok"], about: "makes the channel transactional" },
    "select-ok": { id: 11, from: "server", about: "confirms `tx.select`" },
    "commit": { id: 20, from: "client", replies: ["commit-ok"], about: "carries out what was published and settled since" },
    "commit-ok": { id: 21, from: "server", about: "confirms `tx.commit`" },
    "rollback": { id: 30, from: "client", replies: ["rollback-ok"], about: "drops what was published and settled since" },
    "rollback-ok": { id: 31, from: "server", about: "confirms `tx.rollback`" },
  } },
};

/** What fields mean, wherever they are. */
export const FIELDS: Readonly<Record<string, string>> = {
  "active": "True to go on, false to pause.",
  "arguments": "Further arguments, which depend on the broker.",
  "auto-delete": "Deleted when its last user is gone.",
  "challenge": "What the SASL mechanism asks.",
  "channel-max": "Highest channel number; 0 for no limit.",
  "class-id": "Class of the method that failed; 0 when none did.",
  "client-properties": "What the client says about itself.",
  "consumer-count": "How many consumers the queue has.",
  "consumer-tag": "Names a consumer on its channel.",
  "delivery-tag": "Numbers a delivery or a publish on its channel, from 1.",
  "destination": "The exchange that messages go to.",
  "durable": "Survives a restart of the broker.",
  "exchange": "Name of an exchange; empty for the default one.",
  "exclusive": "For the sole use of who asks.",
  "frame-max": "Largest frame in octets; 0 for no limit.",
  "global": "True for the channel as a whole, false for each consumer to come.",
  "heartbeat": "Seconds between heartbeats; 0 for none.",
  "if-empty": "Only if no message is ready.",
  "if-unused": "Only if nobody uses it.",
  "immediate": "Not implemented by RabbitMQ.",
  "internal": "Takes messages from other exchanges alone.",
  "locale": "The language picked.",
  "locales": "Languages on offer, separated by spaces.",
  "mandatory": "Returned when it reaches no queue.",
  "mechanism": "The SASL mechanism picked.",
  "mechanisms": "SASL mechanisms on offer, separated by spaces.",
  "message-count": "How many messages are ready, or went.",
  "method-id": "Method that failed; 0 when none did.",
  "multiple": "Together with all before it that are not settled.",
  "new-secret": "The new credentials.",
  "no-ack": "Settled as soon as it is delivered.",
  "no-local": "Not implemented by RabbitMQ.",
  "no-wait": "No reply is wanted; errors come all the same.",
  "passive": "Only checks that it exists.",
  "prefetch-count": "How many deliveries may be unacked; 0 for no limit.",
  "prefetch-size": "Not implemented by RabbitMQ, which wants 0.",
  "queue": "Name of a queue; empty for the last one declared on the channel, or for a new name.",
  "read": "Ignored.",
  "realm": "Ignored.",
  "reason": "Text for people.",
  "redelivered": "Perhaps delivered before.",
  "reply-code": "Such as 404.",
  "reply-text": "Such as `NOT_FOUND - no queue 'q' in vhost '/'`.",
  "requeue": "True to put it back in its queue.",
  "response": "What the SASL mechanism answers.",
  "routing-key": "Routing key of a message, or binding key of a binding.",
  "server-properties": "What the server says about itself.",
  "source": "The exchange that messages come from.",
  "ticket": "Means nothing.",
  "type": "Type of the exchange, such as `topic`.",
  "version-major": "0 for AMQP 0-9-1.",
  "version-minor": "9 for AMQP 0-9-1.",
  "virtual-host": "Name of the vhost.",
  "write": "Ignored.",
};

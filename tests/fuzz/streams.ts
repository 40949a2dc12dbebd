import { concat } from "@std/bytes";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import {
  accessRequest,
  basicAck,
  basicCancel,
  basicConsume,
  basicGet,
  basicNack,
  basicPublish,
  basicQos,
  basicRecover,
  basicReject,
  channelClose,
  channelFlow,
  channelOpen,
  confirmSelect,
  connectionClose,
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
  connectionUpdateSecret,
  exchangeBind,
  exchangeDeclare,
  exchangeDelete,
  exchangeUnbind,
  type Method,
  queueBind,
  queueDeclare,
  queueDelete,
  queuePurge,
  queueUnbind,
  txCommit,
  txRollback,
  txSelect,
} from "../../broker/amqp/methods/mod.ts";
import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import { contentFrames, heartbeatFrame, methodFrame } from "../amqp/frames.ts";
import type { RandomValues } from "../amqp/random_values.ts";

/** A client's side of a conversation, frame by frame; the first one is the protocol header. */
export type Stream = readonly Uint8Array[];

/** How many frames of a stream belong to the handshake. */
export const HANDSHAKE_FRAMES = 5;

const PLAIN_QUEUES = ["q0", "q1", "q2", "q3"];
/** A queue of each sort, which has a name of its own: declared otherwise it would be refused. Times are so
 * short that they come during an attack. */
const SORTS: readonly FieldTable[] = [
  { "x-queue-type": "quorum" },
  { "x-queue-type": "quorum", "x-delivery-limit": 1, "x-dead-letter-exchange": "amq.topic" },
  { "x-queue-type": "stream", "x-max-length-bytes": 100_000 },
  { "x-max-priority": 5 },
  { "x-message-ttl": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "q0" },
  { "x-expires": 50 },
  { "x-max-length": 3, "x-overflow": "reject-publish" },
  { "x-max-length": 3, "x-dead-letter-exchange": "x1" },
  { "x-max-length-bytes": 3000, "x-overflow": "drop-head" },
  { "x-single-active-consumer": true },
];
const SORTED_QUEUES = SORTS.map((_, index) => `s${index}`);
const QUEUES = [...PLAIN_QUEUES, ...SORTED_QUEUES];
/** Exchanges whose names say what they are. */
const SORTED_EXCHANGES: Readonly<Record<string, readonly [type: string, arguments_: FieldTable]>> =
  {
    later: ["x-delayed-message", { "x-delayed-type": "topic" }],
    hash: ["x-consistent-hash", { "hash-header": "a" }],
    modulus: ["x-modulus-hash", {}],
    random: ["x-random", {}],
    recent: ["x-recent-history", { "x-recent-history-length": 3 }],
  };
const EXCHANGES = [
  ...["x0", "x1", "x2", "amq.direct", "amq.fanout", "amq.topic", "amq.headers"],
  ...Object.keys(SORTED_EXCHANGES),
];
const KEYS = ["", "a", "a.b", "a.b.c", "*.b", "#", ...QUEUES];
const TAGS = ["", "c0", "c1", "c2"];

/** Makes a stream that keeps to the grammar: whatever the broker answers, its frames are right. */
export function validStream(random: RandomValues): Stream {
  const frameMax = random.pick([4096, 131_072]);
  const frames: Uint8Array[] = [
    PROTOCOL_HEADER,
    methodFrame(
      0,
      connectionStartOk({
        clientProperties: random.boolean()
          ? { capabilities: { consumer_cancel_notify: true, authentication_failure_close: true } }
          : random.fieldTable(),
        mechanism: "PLAIN",
        response: plainResponse({ username: "guest", password: "guest" }),
        locale: "en_US",
      }),
    ),
    methodFrame(0, connectionTuneOk({ channelMax: 2047, frameMax, heartbeat: 0 })),
    methodFrame(0, connectionOpen({ virtualHost: "/" })),
    methodFrame(1, channelOpen()),
  ];
  if (random.below(5) > 0) frames.push(...declarations(random));
  let channels = 1;
  for (let count = 5 + random.below(60); count > 0; count--) {
    // an error may have closed the others
    if (random.below(6) === 0) frames.push(methodFrame(++channels, channelOpen()));
    const channel = random.below(3) > 0 ? channels : 1 + random.below(channels);
    if (random.below(8) > 0) frames.push(...step(random, channel, frameMax));
    else frames.push(...work(random, ++channels, frameMax));
  }
  if (random.boolean()) frames.push(methodFrame(0, connectionClose({ replyCode: 200 })));
  return frames;
}

/** Something to work with, or most of what follows would find nothing. */
function declarations(random: RandomValues): Uint8Array[] {
  const noWait = true;
  return [
    ...PLAIN_QUEUES.map((queue) => queueDeclare({ queue, noWait })),
    sortedQueue(random.below(SORTS.length), noWait),
    sortedQueue(random.below(SORTS.length), noWait),
    sortedExchange(random, noWait),
    ...EXCHANGES.slice(0, 3).map((exchange, index) =>
      exchangeDeclare({ exchange, noWait, type: ["direct", "fanout", "topic"][index]! })
    ),
  ].map((method) => methodFrame(1, method));
}

/** Declares the queue of a sort. */
function sortedQueue(index: number, noWait: boolean): Method {
  const [queue, arguments_] = [SORTED_QUEUES[index]!, SORTS[index]!];
  const durable = arguments_["x-queue-type"] !== undefined;
  return queueDeclare({ queue, noWait, durable, arguments: arguments_ });
}

function sortedExchange(random: RandomValues, noWait: boolean): Method {
  const [exchange, [type, arguments_]] = random.pick(Object.entries(SORTED_EXCHANGES));
  return exchangeDeclare({ exchange, type, noWait, arguments: arguments_ });
}

/** What a client may say next, frame by frame: one method, or one with its content. */
export function step(random: RandomValues, channel: number, frameMax: number): Uint8Array[] {
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return publish(random, channel, frameMax);
    case 4:
      return [methodFrame(0, connectionUpdateSecret({ reason: random.text(255) }))];
    case 5:
      return [heartbeatFrame()];
    default:
      return [methodFrame(channel, anyMethod(random))];
  }
}

/** What makes sense together, on a channel of its own: publish, take, settle, perhaps in a transaction. */
function work(random: RandomValues, channel: number, frameMax: number): Uint8Array[] {
  const queue = random.pick(QUEUES);
  const inTransaction = random.boolean();
  const frames = [methodFrame(channel, channelOpen())];
  if (inTransaction) frames.push(methodFrame(channel, txSelect()));
  if (random.boolean()) frames.push(methodFrame(channel, basicConsume({ queue })));
  const address = { exchange: "", routingKey: queue };
  for (let count = random.below(6); count > 0; count--) {
    const body = new Uint8Array(random.below(random.pick([10, 9000])));
    const method = basicPublish({ ...address, mandatory: random.boolean() });
    frames.push(...contentFrames(channel, method, { ...address, body }, frameMax));
  }
  for (let deliveryTag = 1; deliveryTag < 4; deliveryTag++) {
    frames.push(
      methodFrame(channel, basicGet({ queue, noAck: random.below(4) === 0 })),
      methodFrame(
        channel,
        random.pick([basicAck({ deliveryTag }), basicNack({ deliveryTag, requeue: true })]),
      ),
    );
  }
  if (inTransaction) frames.push(methodFrame(channel, random.pick([txCommit(), txRollback()])));
  return frames;
}

function publish(random: RandomValues, channel: number, frameMax: number): Uint8Array[] {
  const exchange = random.pick(["", "", ...EXCHANGES]);
  const routingKey = random.pick(KEYS);
  const method = basicPublish({
    exchange,
    routingKey,
    mandatory: random.below(4) === 0,
    immediate: random.below(100) === 0,
  });
  const properties: BasicProperties = random.below(4) > 0
    ? { headers: random.fieldTable(), messageId: random.text(255), timestamp: random.date() }
    : random.pick([
      {},
      { replyTo: "amq.rabbitmq.reply-to" },
      { expiration: random.pick(["100", "-1", "x"]) },
      { userId: random.pick(["guest", "root"]) },
      { headers: { "x-delay": random.pick([0, 30, -1]), a: random.below(9) } },
      { headers: { CC: copies(random), BCC: copies(random) } },
      { deliveryMode: 2 },
      random.properties(),
    ]);
  const body = new Uint8Array(random.below(random.pick([1, 10, 3000, 20_000]))).fill(0x62);
  const most = random.pick([frameMax, 100 + random.below(3000)]);
  return contentFrames(channel, method, { exchange, routingKey, properties, body }, most);
}

/** Where else a message goes; now and then what cannot be read so. */
function copies(random: RandomValues): FieldValue {
  return random.pick<FieldValue>([[], [random.pick(KEYS)], [random.pick(KEYS), "s1"], "q0", [1]]);
}

function anyMethod(random: RandomValues): Method {
  const queue = random.pick(["", ...QUEUES]);
  const exchange = random.pick(EXCHANGES);
  const routingKey = random.pick(KEYS);
  const noWait = random.boolean();
  const deliveryTag = random.below(random.pick([2, 10]));
  const binding = { exchange, routingKey, noWait, arguments: bindingArguments(random) };
  const toExchange = { source: exchange, destination: random.pick(EXCHANGES), routingKey, noWait };
  const makers: readonly (() => Method)[] = [
    () => sortedQueue(random.below(SORTS.length), noWait),
    () =>
      queueDeclare({
        queue,
        noWait,
        durable: random.below(4) === 0,
        exclusive: random.below(4) === 0,
        autoDelete: random.below(4) === 0,
        passive: random.below(8) === 0,
        arguments: random.pick([{}, {}, random.pick(SORTS), random.fieldTable()]),
      }),
    () => sortedExchange(random, noWait),
    () =>
      exchangeDeclare({
        exchange,
        noWait,
        durable: random.below(4) === 0,
        type: random.pick(["direct", "fanout", "topic", "headers", "none"]),
        autoDelete: random.below(4) === 0,
        internal: random.below(8) === 0,
        arguments: random.pick([{}, { "alternate-exchange": random.pick(EXCHANGES) }]),
      }),
    () => queueBind({ queue, ...binding }),
    () => queueBind({ queue, ...binding }),
    () => queueUnbind({ queue, ...binding }),
    () => exchangeBind(toExchange),
    () => exchangeUnbind(toExchange),
    () => queuePurge({ queue, noWait }),
    () => queueDelete({ queue, noWait, ifEmpty: random.boolean() }),
    () => exchangeDelete({ exchange, noWait }),
    () =>
      basicConsume({
        queue: random.pick([queue, queue, "amq.rabbitmq.reply-to"]),
        consumerTag: random.pick(TAGS),
        noAck: random.boolean(),
        exclusive: random.below(8) === 0,
        noWait,
        arguments: random.pick<FieldTable>([
          {},
          { "x-priority": random.below(4) },
          { "x-stream-offset": random.pick<FieldValue>(["first", "last", "next", 0, 7]) },
        ]),
      }),
    () => basicCancel({ consumerTag: random.pick(TAGS), noWait }),
    () => basicGet({ queue, noAck: random.boolean() }),
    () => basicGet({ queue, noAck: random.boolean() }),
    () => basicAck({ deliveryTag, multiple: random.boolean() }),
    () => basicNack({ deliveryTag, multiple: random.boolean(), requeue: random.boolean() }),
    () => basicReject({ deliveryTag, requeue: random.boolean() }),
    () => basicRecover({ requeue: random.below(10) > 0 }),
    () => basicQos({ prefetchCount: random.below(5), global: random.boolean() }),
    () => confirmSelect({ noWait }),
    () => txSelect(),
    () => txCommit(),
    () => txRollback(),
    () => channelFlow({ active: random.below(20) > 0 }),
    () => accessRequest({}),
    () => channelClose({ replyCode: 200 }),
  ];
  return random.pick(makers)();
}

function bindingArguments(random: RandomValues) {
  return random.pick([{}, {}, { "x-match": random.pick(["all", "any", "none"]), a: 1 }]);
}

/** Makes a stream that is almost right: frames lost, doubled, swapped or cut, octets changed. */
export function damagedStream(random: RandomValues): Uint8Array {
  const stream = [...validStream(random)];
  // most of the time the handshake survives, or nothing behind it would ever be tried
  const from = random.below(10) === 0 ? 0 : HANDSHAKE_FRAMES;
  for (let changes = random.below(4); changes > 0; changes--) {
    const index = from + random.below(stream.length - from);
    const frame = stream[index];
    if (frame === undefined || frame.length < 8) break;
    switch (random.below(6)) {
      case 0:
        stream.splice(index, 1);
        break;
      case 1:
        stream.splice(index, 0, frame);
        break;
      case 2:
        stream.splice(index, 2, stream[index + 1] ?? frame, frame);
        break;
      case 3:
        stream[index] = frame.slice(0, random.below(frame.length + 1));
        break;
      case 4:
        stream[index] = withChannel(frame, random.below(4));
        break;
      default:
        stream[index] = withDamagedPayload(random, frame);
    }
  }
  const before = concat(stream.slice(0, from));
  return concat([before, withDamagedOctets(random, concat(stream.slice(from)))]);
}

/** The same frame on another channel. */
export function withChannel(frame: Uint8Array, channel: number): Uint8Array {
  const copy = frame.slice();
  new DataView(copy.buffer).setUint16(1, channel);
  return copy;
}

/** Changes what a frame carries and keeps the frame itself right, so that the codec gets to see it. */
function withDamagedPayload(random: RandomValues, frame: Uint8Array): Uint8Array {
  const payload = random.damaged(frame.slice(7, -1));
  const copy = new Uint8Array(payload.length + 8);
  copy.set(frame.subarray(0, 3));
  new DataView(copy.buffer).setUint32(3, payload.length);
  copy.set(payload, 7);
  copy[copy.length - 1] = 0xce;
  return copy;
}

function withDamagedOctets(random: RandomValues, bytes: Uint8Array): Uint8Array {
  let damaged = bytes;
  for (let changes = random.below(3); changes > 0 && damaged.length > 0; changes--) {
    const at = random.below(damaged.length);
    const [before, after] = [damaged.subarray(0, at), damaged.subarray(at)];
    switch (random.below(5)) {
      case 0:
        damaged = damaged.slice();
        damaged[at]! ^= 1 << random.below(8);
        break;
      case 1:
        damaged = concat([before, random.bytes(20), after]);
        break;
      case 2:
        damaged = concat([before, after.subarray(random.below(20))]);
        break;
      case 3:
        damaged = damaged.slice();
        damaged.set([0xff, 0xff, 0xff, 0xff].slice(0, Math.min(4, after.length)), at);
        break;
      default:
        damaged = before;
    }
  }
  return damaged;
}

/** Cuts bytes into pieces as a network might. */
export function pieces(random: RandomValues, bytes: Uint8Array): Uint8Array[] {
  const most = random.pick([1, 7, 100, 1500, 100_000]);
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.below(most);
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}

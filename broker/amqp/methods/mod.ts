// Printed by codegen.ts from spec.ts: change those instead.

/**
 * All methods: their union, what is known about each, and the codec of any.
 *
 * @module
 */

import { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";
import { TABLE_DEPTH_MAX } from "../constants.ts";
import { AmqpError } from "../error.ts";
import {
  type ConnectionBlocked,
  type ConnectionClose,
  type ConnectionCloseOk,
  connectionCloseOk,
  type ConnectionOpen,
  type ConnectionOpenOk,
  type ConnectionSecure,
  type ConnectionSecureOk,
  type ConnectionStart,
  type ConnectionStartOk,
  type ConnectionTune,
  type ConnectionTuneOk,
  type ConnectionUnblocked,
  connectionUnblocked,
  type ConnectionUpdateSecret,
  type ConnectionUpdateSecretOk,
  connectionUpdateSecretOk,
  decodeConnectionBlocked,
  decodeConnectionClose,
  decodeConnectionOpen,
  decodeConnectionOpenOk,
  decodeConnectionSecure,
  decodeConnectionSecureOk,
  decodeConnectionStart,
  decodeConnectionStartOk,
  decodeConnectionTune,
  decodeConnectionTuneOk,
  decodeConnectionUpdateSecret,
  encodeConnectionBlocked,
  encodeConnectionClose,
  encodeConnectionOpen,
  encodeConnectionOpenOk,
  encodeConnectionSecure,
  encodeConnectionSecureOk,
  encodeConnectionStart,
  encodeConnectionStartOk,
  encodeConnectionTune,
  encodeConnectionTuneOk,
  encodeConnectionUpdateSecret,
} from "./connection.ts";
import {
  type ChannelClose,
  type ChannelCloseOk,
  channelCloseOk,
  type ChannelFlow,
  type ChannelFlowOk,
  type ChannelOpen,
  type ChannelOpenOk,
  decodeChannelClose,
  decodeChannelFlow,
  decodeChannelFlowOk,
  decodeChannelOpen,
  decodeChannelOpenOk,
  encodeChannelClose,
  encodeChannelFlow,
  encodeChannelFlowOk,
  encodeChannelOpen,
  encodeChannelOpenOk,
} from "./channel.ts";
import {
  type AccessRequest,
  type AccessRequestOk,
  decodeAccessRequest,
  decodeAccessRequestOk,
  encodeAccessRequest,
  encodeAccessRequestOk,
} from "./access.ts";
import {
  decodeExchangeBind,
  decodeExchangeDeclare,
  decodeExchangeDelete,
  decodeExchangeUnbind,
  encodeExchangeBind,
  encodeExchangeDeclare,
  encodeExchangeDelete,
  encodeExchangeUnbind,
  type ExchangeBind,
  type ExchangeBindOk,
  exchangeBindOk,
  type ExchangeDeclare,
  type ExchangeDeclareOk,
  exchangeDeclareOk,
  type ExchangeDelete,
  type ExchangeDeleteOk,
  exchangeDeleteOk,
  type ExchangeUnbind,
  type ExchangeUnbindOk,
  exchangeUnbindOk,
} from "./exchange.ts";
import {
  decodeQueueBind,
  decodeQueueDeclare,
  decodeQueueDeclareOk,
  decodeQueueDelete,
  decodeQueueDeleteOk,
  decodeQueuePurge,
  decodeQueuePurgeOk,
  decodeQueueUnbind,
  encodeQueueBind,
  encodeQueueDeclare,
  encodeQueueDeclareOk,
  encodeQueueDelete,
  encodeQueueDeleteOk,
  encodeQueuePurge,
  encodeQueuePurgeOk,
  encodeQueueUnbind,
  type QueueBind,
  type QueueBindOk,
  queueBindOk,
  type QueueDeclare,
  type QueueDeclareOk,
  type QueueDelete,
  type QueueDeleteOk,
  type QueuePurge,
  type QueuePurgeOk,
  type QueueUnbind,
  type QueueUnbindOk,
  queueUnbindOk,
} from "./queue.ts";
import {
  type BasicAck,
  type BasicCancel,
  type BasicCancelOk,
  type BasicConsume,
  type BasicConsumeOk,
  type BasicDeliver,
  type BasicGet,
  type BasicGetEmpty,
  type BasicGetOk,
  type BasicNack,
  type BasicPublish,
  type BasicQos,
  type BasicQosOk,
  basicQosOk,
  type BasicRecover,
  type BasicRecoverAsync,
  type BasicRecoverOk,
  basicRecoverOk,
  type BasicReject,
  type BasicReturn,
  decodeBasicAck,
  decodeBasicCancel,
  decodeBasicCancelOk,
  decodeBasicConsume,
  decodeBasicConsumeOk,
  decodeBasicDeliver,
  decodeBasicGet,
  decodeBasicGetEmpty,
  decodeBasicGetOk,
  decodeBasicNack,
  decodeBasicPublish,
  decodeBasicQos,
  decodeBasicRecover,
  decodeBasicRecoverAsync,
  decodeBasicReject,
  decodeBasicReturn,
  encodeBasicAck,
  encodeBasicCancel,
  encodeBasicCancelOk,
  encodeBasicConsume,
  encodeBasicConsumeOk,
  encodeBasicDeliver,
  encodeBasicGet,
  encodeBasicGetEmpty,
  encodeBasicGetOk,
  encodeBasicNack,
  encodeBasicPublish,
  encodeBasicQos,
  encodeBasicRecover,
  encodeBasicRecoverAsync,
  encodeBasicReject,
  encodeBasicReturn,
} from "./basic.ts";
import {
  type ConfirmSelect,
  type ConfirmSelectOk,
  confirmSelectOk,
  decodeConfirmSelect,
  encodeConfirmSelect,
} from "./confirm.ts";
import {
  type TxCommit,
  txCommit,
  type TxCommitOk,
  txCommitOk,
  type TxRollback,
  txRollback,
  type TxRollbackOk,
  txRollbackOk,
  type TxSelect,
  txSelect,
  type TxSelectOk,
  txSelectOk,
} from "./tx.ts";

export * from "./connection.ts";
export * from "./channel.ts";
export * from "./access.ts";
export * from "./exchange.ts";
export * from "./queue.ts";
export * from "./basic.ts";
export * from "./confirm.ts";
export * from "./tx.ts";

/** Any method; `name` tells which. */
export type Method =
  | ConnectionStart
  | ConnectionStartOk
  | ConnectionSecure
  | ConnectionSecureOk
  | ConnectionTune
  | ConnectionTuneOk
  | ConnectionOpen
  | ConnectionOpenOk
  | ConnectionClose
  | ConnectionCloseOk
  | ConnectionBlocked
  | ConnectionUnblocked
  | ConnectionUpdateSecret
  | ConnectionUpdateSecretOk
  | ChannelOpen
  | ChannelOpenOk
  | ChannelFlow
  | ChannelFlowOk
  | ChannelClose
  | ChannelCloseOk
  | AccessRequest
  | AccessRequestOk
  | ExchangeDeclare
  | ExchangeDeclareOk
  | ExchangeDelete
  | ExchangeDeleteOk
  | ExchangeBind
  | ExchangeBindOk
  | ExchangeUnbind
  | ExchangeUnbindOk
  | QueueDeclare
  | QueueDeclareOk
  | QueueBind
  | QueueBindOk
  | QueuePurge
  | QueuePurgeOk
  | QueueDelete
  | QueueDeleteOk
  | QueueUnbind
  | QueueUnbindOk
  | BasicQos
  | BasicQosOk
  | BasicConsume
  | BasicConsumeOk
  | BasicCancel
  | BasicCancelOk
  | BasicPublish
  | BasicReturn
  | BasicDeliver
  | BasicGet
  | BasicGetOk
  | BasicGetEmpty
  | BasicAck
  | BasicReject
  | BasicRecoverAsync
  | BasicRecover
  | BasicRecoverOk
  | BasicNack
  | ConfirmSelect
  | ConfirmSelectOk
  | TxSelect
  | TxSelectOk
  | TxCommit
  | TxCommitOk
  | TxRollback
  | TxRollbackOk;

/** The name of a method, such as `queue.declare-ok`. */
export type MethodName = Method["name"];

/** What is known about a method besides its fields. */
export interface MethodFacts {
  /** The class, such as 50 for `queue`. */
  readonly classId: number;
  /** The method within its class. */
  readonly methodId: number;
  /** Both as they start the payload of a frame: `classId * 65536 + methodId`. */
  readonly id: number;
  /** True when a content header and bodies follow. */
  readonly content: boolean;
  /** Who may send it. */
  readonly sentBy: "client" | "server" | "both";
  /** The methods that may answer it; none for an asynchronous method. */
  readonly replies: readonly MethodName[];
}

/** What is known about each method. */
export const METHODS: Readonly<Record<MethodName, MethodFacts>> = {
  "connection.start": facts(10, 10, "server", { replies: ["connection.start-ok"] }),
  "connection.start-ok": facts(10, 11, "client"),
  "connection.secure": facts(10, 20, "server", { replies: ["connection.secure-ok"] }),
  "connection.secure-ok": facts(10, 21, "client"),
  "connection.tune": facts(10, 30, "server", { replies: ["connection.tune-ok"] }),
  "connection.tune-ok": facts(10, 31, "client"),
  "connection.open": facts(10, 40, "client", { replies: ["connection.open-ok"] }),
  "connection.open-ok": facts(10, 41, "server"),
  "connection.close": facts(10, 50, "both", { replies: ["connection.close-ok"] }),
  "connection.close-ok": facts(10, 51, "both"),
  "connection.blocked": facts(10, 60, "both"),
  "connection.unblocked": facts(10, 61, "both"),
  "connection.update-secret": facts(10, 70, "client", { replies: ["connection.update-secret-ok"] }),
  "connection.update-secret-ok": facts(10, 71, "server"),
  "channel.open": facts(20, 10, "client", { replies: ["channel.open-ok"] }),
  "channel.open-ok": facts(20, 11, "server"),
  "channel.flow": facts(20, 20, "both", { replies: ["channel.flow-ok"] }),
  "channel.flow-ok": facts(20, 21, "both"),
  "channel.close": facts(20, 40, "both", { replies: ["channel.close-ok"] }),
  "channel.close-ok": facts(20, 41, "both"),
  "access.request": facts(30, 10, "client", { replies: ["access.request-ok"] }),
  "access.request-ok": facts(30, 11, "server"),
  "exchange.declare": facts(40, 10, "client", { replies: ["exchange.declare-ok"] }),
  "exchange.declare-ok": facts(40, 11, "server"),
  "exchange.delete": facts(40, 20, "client", { replies: ["exchange.delete-ok"] }),
  "exchange.delete-ok": facts(40, 21, "server"),
  "exchange.bind": facts(40, 30, "client", { replies: ["exchange.bind-ok"] }),
  "exchange.bind-ok": facts(40, 31, "server"),
  "exchange.unbind": facts(40, 40, "client", { replies: ["exchange.unbind-ok"] }),
  "exchange.unbind-ok": facts(40, 51, "server"),
  "queue.declare": facts(50, 10, "client", { replies: ["queue.declare-ok"] }),
  "queue.declare-ok": facts(50, 11, "server"),
  "queue.bind": facts(50, 20, "client", { replies: ["queue.bind-ok"] }),
  "queue.bind-ok": facts(50, 21, "server"),
  "queue.purge": facts(50, 30, "client", { replies: ["queue.purge-ok"] }),
  "queue.purge-ok": facts(50, 31, "server"),
  "queue.delete": facts(50, 40, "client", { replies: ["queue.delete-ok"] }),
  "queue.delete-ok": facts(50, 41, "server"),
  "queue.unbind": facts(50, 50, "client", { replies: ["queue.unbind-ok"] }),
  "queue.unbind-ok": facts(50, 51, "server"),
  "basic.qos": facts(60, 10, "client", { replies: ["basic.qos-ok"] }),
  "basic.qos-ok": facts(60, 11, "server"),
  "basic.consume": facts(60, 20, "client", { replies: ["basic.consume-ok"] }),
  "basic.consume-ok": facts(60, 21, "server"),
  "basic.cancel": facts(60, 30, "both", { replies: ["basic.cancel-ok"] }),
  "basic.cancel-ok": facts(60, 31, "both"),
  "basic.publish": facts(60, 40, "client", { content: true }),
  "basic.return": facts(60, 50, "server", { content: true }),
  "basic.deliver": facts(60, 60, "server", { content: true }),
  "basic.get": facts(60, 70, "client", { replies: ["basic.get-ok", "basic.get-empty"] }),
  "basic.get-ok": facts(60, 71, "server", { content: true }),
  "basic.get-empty": facts(60, 72, "server"),
  "basic.ack": facts(60, 80, "both"),
  "basic.reject": facts(60, 90, "client"),
  "basic.recover-async": facts(60, 100, "client"),
  "basic.recover": facts(60, 110, "client", { replies: ["basic.recover-ok"] }),
  "basic.recover-ok": facts(60, 111, "server"),
  "basic.nack": facts(60, 120, "both"),
  "confirm.select": facts(85, 10, "client", { replies: ["confirm.select-ok"] }),
  "confirm.select-ok": facts(85, 11, "server"),
  "tx.select": facts(90, 10, "client", { replies: ["tx.select-ok"] }),
  "tx.select-ok": facts(90, 11, "server"),
  "tx.commit": facts(90, 20, "client", { replies: ["tx.commit-ok"] }),
  "tx.commit-ok": facts(90, 21, "server"),
  "tx.rollback": facts(90, 30, "client", { replies: ["tx.rollback-ok"] }),
  "tx.rollback-ok": facts(90, 31, "server"),
};

function facts(
  classId: number,
  methodId: number,
  sentBy: MethodFacts["sentBy"],
  { content = false, replies = [] }: { content?: boolean; replies?: readonly MethodName[] } = {},
): MethodFacts {
  return { classId, methodId, id: classId * 0x1_0000 + methodId, content, sentBy, replies };
}

const reader = new ByteReader();

/**
 * Decodes a method from the payload of its frame. Octets after its fields are ignored.
 *
 * @param depthMax How deep tables may be nested.
 * @throws {AmqpError} 503 for a method that does not exist, 501 or 502 for fields that cannot be
 * decoded.
 */
export function decodeMethod(
  bytes: Uint8Array,
  start: number,
  end: number,
  depthMax: number = TABLE_DEPTH_MAX,
): Method {
  reader.reset(bytes, start, end);
  reader.depthMax = depthMax;
  const classId = reader.uint16();
  // what peers tell of themselves is for people to read, what others tell is compared
  reader.keepsDoubles = classId !== 10;
  const methodId = reader.uint16();
  switch (classId) {
    case 60:
      return decodeBasicMethod(methodId);
    case 10:
      return decodeConnectionMethod(methodId);
    case 20:
      return decodeChannelMethod(methodId);
    case 30:
      return decodeAccessMethod(methodId);
    case 40:
      return decodeExchangeMethod(methodId);
    case 50:
      return decodeQueueMethod(methodId);
    case 85:
      return decodeConfirmMethod(methodId);
    case 90:
      return decodeTxMethod(methodId);
    default:
      throw unknownMethod(classId, methodId);
  }
}

function decodeBasicMethod(methodId: number): Method {
  switch (methodId) {
    case 10:
      return decodeBasicQos(reader);
    case 11:
      return basicQosOk();
    case 20:
      return decodeBasicConsume(reader);
    case 21:
      return decodeBasicConsumeOk(reader);
    case 30:
      return decodeBasicCancel(reader);
    case 31:
      return decodeBasicCancelOk(reader);
    case 40:
      return decodeBasicPublish(reader);
    case 50:
      return decodeBasicReturn(reader);
    case 60:
      return decodeBasicDeliver(reader);
    case 70:
      return decodeBasicGet(reader);
    case 71:
      return decodeBasicGetOk(reader);
    case 72:
      return decodeBasicGetEmpty(reader);
    case 80:
      return decodeBasicAck(reader);
    case 90:
      return decodeBasicReject(reader);
    case 100:
      return decodeBasicRecoverAsync(reader);
    case 110:
      return decodeBasicRecover(reader);
    case 111:
      return basicRecoverOk();
    case 120:
      return decodeBasicNack(reader);
    default:
      throw unknownMethod(60, methodId);
  }
}

function decodeConnectionMethod(methodId: number): Method {
  switch (methodId) {
    case 10:
      return decodeConnectionStart(reader);
    case 11:
      return decodeConnectionStartOk(reader);
    case 20:
      return decodeConnectionSecure(reader);
    case 21:
      return decodeConnectionSecureOk(reader);
    case 30:
      return decodeConnectionTune(reader);
    case 31:
      return decodeConnectionTuneOk(reader);
    case 40:
      return decodeConnectionOpen(reader);
    case 41:
      return decodeConnectionOpenOk(reader);
    case 50:
      return decodeConnectionClose(reader);
    case 51:
      return connectionCloseOk();
    case 60:
      return decodeConnectionBlocked(reader);
    case 61:
      return connectionUnblocked();
    case 70:
      return decodeConnectionUpdateSecret(reader);
    case 71:
      return connectionUpdateSecretOk();
    default:
      throw unknownMethod(10, methodId);
  }
}

function decodeChannelMethod(methodId: number): Method {
  switch (methodId) {
    case 10:
      return decodeChannelOpen(reader);
    case 11:
      return decodeChannelOpenOk(reader);
    case 20:
      return decodeChannelFlow(reader);
    case 21:
      return decodeChannelFlowOk(reader);
    case 40:
      return decodeChannelClose(reader);
    case 41:
      return channelCloseOk();
    default:
      throw unknownMethod(20, methodId);
  }
}

function decodeAccessMethod(methodId: number): Method {
  switch (methodId) {
    case 10:
      return decodeAccessRequest(reader);
    case 11:
      return decodeAccessRequestOk(reader);
    default:
      throw unknownMethod(30, methodId);
  }
}

function decodeExchangeMethod(methodId: number): Method {
  switch (methodId) {
    case 10:
      return decodeExchangeDeclare(reader);
    case 11:
      return exchangeDeclareOk();
    case 20:
      return decodeExchangeDelete(reader);
    case 21:
      return exchangeDeleteOk();
    case 30:
      return decodeExchangeBind(reader);
    case 31:
      return exchangeBindOk();
    case 40:
      return decodeExchangeUnbind(reader);
    case 51:
      return exchangeUnbindOk();
    default:
      throw unknownMethod(40, methodId);
  }
}

function decodeQueueMethod(methodId: number): Method {
  switch (methodId) {
    case 10:
      return decodeQueueDeclare(reader);
    case 11:
      return decodeQueueDeclareOk(reader);
    case 20:
      return decodeQueueBind(reader);
    case 21:
      return queueBindOk();
    case 30:
      return decodeQueuePurge(reader);
    case 31:
      return decodeQueuePurgeOk(reader);
    case 40:
      return decodeQueueDelete(reader);
    case 41:
      return decodeQueueDeleteOk(reader);
    case 50:
      return decodeQueueUnbind(reader);
    case 51:
      return queueUnbindOk();
    default:
      throw unknownMethod(50, methodId);
  }
}

function decodeConfirmMethod(methodId: number): Method {
  switch (methodId) {
    case 10:
      return decodeConfirmSelect(reader);
    case 11:
      return confirmSelectOk();
    default:
      throw unknownMethod(85, methodId);
  }
}

function decodeTxMethod(methodId: number): Method {
  switch (methodId) {
    case 10:
      return txSelect();
    case 11:
      return txSelectOk();
    case 20:
      return txCommit();
    case 21:
      return txCommitOk();
    case 30:
      return txRollback();
    case 31:
      return txRollbackOk();
    default:
      throw unknownMethod(90, methodId);
  }
}

function unknownMethod(classId: number, methodId: number): AmqpError {
  return new AmqpError(503, "unimplemented method").during({ classId, methodId });
}

/**
 * Writes class id, method id and fields of a method.
 *
 * @throws {TypeError} When a text is too long or a table holds what no table can hold, and a
 * `RangeError` when a number does not fit. Nothing is written then.
 */
export function encodeMethod(writer: ByteWriter, method: Method): void {
  const start = writer.length;
  try {
    writer.uint32(METHODS[method.name].id);
    encodeFieldsOf(writer, method);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

function encodeFieldsOf(writer: ByteWriter, method: Method): void {
  switch (method.name) {
    case "basic.qos":
      return encodeBasicQos(writer, method);
    case "basic.consume":
      return encodeBasicConsume(writer, method);
    case "basic.consume-ok":
      return encodeBasicConsumeOk(writer, method);
    case "basic.cancel":
      return encodeBasicCancel(writer, method);
    case "basic.cancel-ok":
      return encodeBasicCancelOk(writer, method);
    case "basic.publish":
      return encodeBasicPublish(writer, method);
    case "basic.return":
      return encodeBasicReturn(writer, method);
    case "basic.deliver":
      return encodeBasicDeliver(writer, method);
    case "basic.get":
      return encodeBasicGet(writer, method);
    case "basic.get-ok":
      return encodeBasicGetOk(writer, method);
    case "basic.get-empty":
      return encodeBasicGetEmpty(writer);
    case "basic.ack":
      return encodeBasicAck(writer, method);
    case "basic.reject":
      return encodeBasicReject(writer, method);
    case "basic.recover-async":
      return encodeBasicRecoverAsync(writer, method);
    case "basic.recover":
      return encodeBasicRecover(writer, method);
    case "basic.nack":
      return encodeBasicNack(writer, method);
    case "connection.start":
      return encodeConnectionStart(writer, method);
    case "connection.start-ok":
      return encodeConnectionStartOk(writer, method);
    case "connection.secure":
      return encodeConnectionSecure(writer, method);
    case "connection.secure-ok":
      return encodeConnectionSecureOk(writer, method);
    case "connection.tune":
      return encodeConnectionTune(writer, method);
    case "connection.tune-ok":
      return encodeConnectionTuneOk(writer, method);
    case "connection.open":
      return encodeConnectionOpen(writer, method);
    case "connection.open-ok":
      return encodeConnectionOpenOk(writer);
    case "connection.close":
      return encodeConnectionClose(writer, method);
    case "connection.blocked":
      return encodeConnectionBlocked(writer, method);
    case "connection.update-secret":
      return encodeConnectionUpdateSecret(writer, method);
    case "channel.open":
      return encodeChannelOpen(writer);
    case "channel.open-ok":
      return encodeChannelOpenOk(writer);
    case "channel.flow":
      return encodeChannelFlow(writer, method);
    case "channel.flow-ok":
      return encodeChannelFlowOk(writer, method);
    case "channel.close":
      return encodeChannelClose(writer, method);
    case "access.request":
      return encodeAccessRequest(writer, method);
    case "access.request-ok":
      return encodeAccessRequestOk(writer, method);
    case "exchange.declare":
      return encodeExchangeDeclare(writer, method);
    case "exchange.delete":
      return encodeExchangeDelete(writer, method);
    case "exchange.bind":
      return encodeExchangeBind(writer, method);
    case "exchange.unbind":
      return encodeExchangeUnbind(writer, method);
    case "queue.declare":
      return encodeQueueDeclare(writer, method);
    case "queue.declare-ok":
      return encodeQueueDeclareOk(writer, method);
    case "queue.bind":
      return encodeQueueBind(writer, method);
    case "queue.purge":
      return encodeQueuePurge(writer, method);
    case "queue.purge-ok":
      return encodeQueuePurgeOk(writer, method);
    case "queue.delete":
      return encodeQueueDelete(writer, method);
    case "queue.delete-ok":
      return encodeQueueDeleteOk(writer, method);
    case "queue.unbind":
      return encodeQueueUnbind(writer, method);
    case "confirm.select":
      return encodeConfirmSelect(writer, method);
    default:
      return; // the others have no fields
  }
}

import { Slices } from "../../amqp/slices.ts";
import type {
  Broker,
  BrowseOptions,
  DelayedMessage,
  InExchange,
  InQueue,
  JsonObject,
  JsonValue,
  PageOptions,
  QueuedMessage,
} from "../../mod.ts";
import { vhostOf } from "../access.ts";
import { integerOf, LISTED, readObject, required, textOf } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answer, answerList } from "../listing.ts";
import { describePayload } from "../payload.ts";
import { describeProperties } from "../properties.ts";
import { exchangeOf } from "./exchanges.ts";
import { findQueue } from "./queues.ts";

/** So many messages are told at once at most. */
const PAGE_MAX = 500;
/** And no more once their bodies and headers come to so many bytes. */
const BYTES_MAX = 4 * 1024 * 1024;
/** So many that are held back are looked at in one go: their headers may be large. */
const DELAYED_AT_ONCE = 16;

/**
 * Messages that wait, in queues and in exchanges that hold them back: looked at where they are, moved
 * and deleted one by one. RabbitMQ's API has nothing like it.
 */
export function backlogRoutes(api: Api, management: Management): void {
  const { broker } = management;

  const queue = "/api/queues/:vhost/:queue";
  api.get(`${queue}/messages`, (call) => {
    const { vhost, name } = findQueue(call, management);
    call.var.session.require("read", vhost, { queue: name });
    const page = {
      after: numberOf(call, "after", -1, -1),
      limit: Math.min(numberOf(call, "limit", 100, 0), PAGE_MAX),
      bodyBytes: numberOf(call, "truncate", 65_536, 0),
    };
    const rows = () => lookAt(broker, { vhost, queue: name }, page);
    return answerList(call, { rows, describe: describeQueued, heavy: true, paged: false });
  });
  api.delete(`${queue}/messages`, async (call) => {
    const { vhost, name } = findQueue(call, management);
    call.var.session.require("read", vhost, { queue: name });
    const ids = idsOf(await readObject(call, LISTED));
    return answer(call, {
      deleted: await broker.deleteQueuedMessages({ vhost, queue: name }, ids),
    });
  });
  api.post(`${queue}/move`, async (call) => {
    const { vhost, name } = findQueue(call, management);
    const body = await readObject(call, LISTED);
    const exchange = textOf(body, "exchange", "");
    const { session } = call.var;
    session.require("read", vhost, { queue: name });
    session.require("write", vhost, { exchange });
    const ids = idsOf(body);
    const to = "routing_key" in body
      ? { exchange, routingKey: textOf(body, "routing_key") }
      : { exchange };
    return answer(call, {
      moved: await broker.moveQueuedMessages({ vhost, queue: name }, ids, to),
    });
  });

  const exchange = "/api/exchanges/:vhost/:exchange";
  const find = (call: Call) => {
    const where = { vhost: vhostOf(call, broker), exchange: exchangeOf(call) };
    if (broker.exchanges(where).next().done === true) throw notFound();
    call.var.session.require("configure", where.vhost, { exchange: where.exchange });
    return where;
  };
  api.get(`${exchange}/delayed`, (call) => {
    const page = {
      offset: numberOf(call, "offset", 0, 0),
      limit: Math.min(numberOf(call, "limit", 100, 0), PAGE_MAX),
    };
    const where = find(call);
    const rows = () => lookAtDelayed(broker, where, page);
    return answerList(call, { rows, describe: describeDelayed, heavy: true, paged: false });
  });
  api.delete(`${exchange}/delayed`, async (call) => {
    const where = find(call);
    const ids = idsOf(await readObject(call, LISTED));
    return answer(call, { deleted: await broker.cancelDelayedMessages(where, ids) });
  });
  api.post(`${exchange}/delayed/publish`, async (call) => {
    const where = find(call);
    const ids = idsOf(await readObject(call, LISTED));
    return answer(call, { published: await broker.publishDelayedMessages(where, ids) });
  });
}

/** Looks at as many messages as are wanted, over several turns if many have to be read from disk. */
async function lookAt(
  broker: Broker,
  where: InQueue,
  { after, limit, bodyBytes }: Required<BrowseOptions>,
): Promise<QueuedMessage[]> {
  const rows: QueuedMessage[] = [];
  const slices = new Slices(1);
  for (let bytes = 0; rows.length < limit && bytes < BYTES_MAX;) {
    if (slices.over) await slices.rest();
    const page = broker.queuedMessages(where, { after, limit: limit - rows.length, bodyBytes });
    if (page.length === 0) break;
    rows.push(...page);
    after = page.at(-1)!.id;
    for (const { body, properties } of page) {
      bytes += body.length;
      if (properties.headers !== undefined) bytes += sizeOf(properties);
      if (slices.over) await slices.rest();
    }
  }
  return rows;
}

/** The same of those that an exchange holds back. */
async function lookAtDelayed(
  broker: Broker,
  where: InExchange,
  { offset, limit }: Required<PageOptions>,
): Promise<DelayedMessage[]> {
  // by id: meanwhile some go, and the others move up, or move back when others come
  const rows = new Map<number, DelayedMessage>();
  const slices = new Slices(1);
  const end = offset + limit;
  let bytes = 0;
  for (let at = offset; at < end && bytes < BYTES_MAX; at += DELAYED_AT_ONCE) {
    if (slices.over) await slices.rest();
    const page = { offset: at, limit: Math.min(DELAYED_AT_ONCE, end - at) };
    for (const message of broker.delayedMessages(where, page)) {
      rows.set(message.id, message);
      if (message.properties.headers !== undefined) bytes += sizeOf(message.properties);
    }
    if (at + DELAYED_AT_ONCE >= broker.delayedMessageCount(where)) break;
  }
  return [...rows.values()];
}

function sizeOf(properties: QueuedMessage["properties"]): number {
  return JSON.stringify(describeProperties(properties)).length;
}

function numberOf({ req }: Call, name: string, otherwise: number, least: number): number {
  const text = req.query(name);
  const value = text === undefined ? otherwise : integerOf(text);
  if (value >= least) return value;
  throw badRequest(`${name} is less than ${least}`);
}

/** Which messages are meant. */
function idsOf(body: JsonObject): readonly number[] | "all" {
  const [ids] = required(body, "ids");
  if (ids === "all") return ids;
  if (!Array.isArray(ids)) throw badRequest("ids has to be a list of numbers, or all");
  return ids.map((id: JsonValue) => integerOf(id));
}

function describeQueued(message: QueuedMessage): JsonObject {
  return {
    id: message.id,
    state: message.state,
    exchange: message.exchange,
    routing_key: message.routingKey,
    properties: describeProperties(message.properties),
    redelivered: message.redelivered,
    delivery_count: message.deliveryCount,
    expires_at: message.expireTime?.getTime() ?? null,
    retried_at: message.retryTime?.getTime() ?? null,
    payload_bytes: message.size,
    ...describePayload(message.body, "auto"),
  };
}

function describeDelayed(message: DelayedMessage): JsonObject {
  return {
    id: message.id,
    due_at: message.dueTime.getTime(),
    routing_key: message.routingKey,
    properties: describeProperties(message.properties),
    payload_bytes: message.size,
  };
}

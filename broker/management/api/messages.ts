import { AmqpError } from "../../amqp/error.ts";
import type { BasicProperties } from "../../amqp/properties.ts";
import type { Channel } from "../../../client/channel.ts";
import type { Connection } from "../../../client/connection.ts";
import type { Delivery } from "../../../client/delivery.ts";
import type { JsonObject } from "../../mod.ts";
import { vhostOf } from "../access.ts";
import { actAs } from "../acting.ts";
import { integerOf, readObject, required, textOf } from "../body.ts";
import type { Api, Management } from "../context.ts";
import { badRequest, HttpError, plainText } from "../errors.ts";
import { answer } from "../listing.ts";
import { describePayload, readPayload } from "../payload.ts";
import { describeProperties, readProperties } from "../properties.ts";
import { exchangeOf } from "./exchanges.ts";
import { findQueue } from "./queues.ts";

/** What becomes of messages that were looked at. */
const ACK_MODES = [
  "ack_requeue_true",
  "ack_requeue_false",
  "reject_requeue_true",
  "reject_requeue_false",
] as const;
/** So long a message waits for an alarm to end, in milliseconds. */
const HELD_BACK_MS = 30_000;
/** Bodies of one answer come to no more, in bytes. */
const BODIES_MAX = 32 * 1024 * 1024;

/** Messages: publishing, getting, purging. */
export function messageRoutes(api: Api, management: Management): void {
  const { broker } = management;

  api.post("/api/exchanges/:vhost/:exchange/publish", async (call) => {
    const vhost = vhostOf(call, broker, true);
    const exchange = exchangeOf(call);
    const body = await readObject(call);
    const [, properties] = required(
      body,
      "routing_key",
      "properties",
      "payload",
      "payload_encoding",
    );
    const message = {
      exchange,
      routingKey: textOf(body, "routing_key"),
      properties: readProperties(properties!),
    };
    const payload = readPayload(textOf(body, "payload"), body["payload_encoding"]!);
    const publishing = actAs(
      call.var.session,
      vhost,
      (channel, connection) =>
        unlessHeldBack(publish(channel, message, payload), connection, management),
    );
    return answer(call, { routed: await telling(publishing) });
  });

  api.post("/api/queues/:vhost/:queue/get", async (call) => {
    const vhost = vhostOf(call, broker, true);
    const queue = call.req.param("queue");
    const wanted = readGet(await readObject(call));
    try {
      const answered = await actAs(
        call.var.session,
        vhost,
        (channel) => get(channel, queue, wanted),
      );
      return call.json(answered);
    } catch (error) {
      if (!(error instanceof AmqpError)) throw error;
      if (error.replyCode === 404) throw new HttpError(404, "not_found", error.message);
      if (error.replyCode === 403) throw error;
      throw badRequest(`${error.replyCode} ${plainText(error)}`);
    }
  });

  api.delete("/api/queues/:vhost/:queue/contents", async (call) => {
    const { vhost, name } = findQueue(call, management);
    await actAs(call.var.session, vhost, (channel) => channel.queuePurge(name));
    return call.body(null, 204);
  });

  // mirrors of RabbitMQ 3 were brought up to date by these; there are none
  api.post("/api/queues/:vhost/:queue/actions", async (call) => {
    findQueue(call, management);
    const [action] = required(await readObject(call), "action");
    if (action === "sync" || action === "cancel_sync") return call.body(null, 204);
    throw badRequest(["unknown", action!]);
  });
}

/** What a refused publish is told with: code and text. */
async function telling<T>(publishing: Promise<T>): Promise<T> {
  try {
    return await publishing;
  } catch (error) {
    if (!(error instanceof AmqpError)) throw error;
    throw badRequest(`${error.replyCode} ${error.message}`);
  }
}

/**
 * Gives up a publish that is held back for too long. RabbitMQ would wait for as long as that lasts.
 *
 * @throws {HttpError} 503 when it was given up: what an alarm held back does not arrive later either.
 */
function unlessHeldBack(
  publishing: Promise<boolean>,
  connection: Connection,
  { clock }: Management,
): Promise<boolean> {
  const late = Promise.withResolvers<never>();
  const giveUp = (why: string) =>
    late.reject(new HttpError(503, "service_unavailable", `publishing is held back: ${why}`));
  let stop = clock.after(HELD_BACK_MS, () => {
    const { blocked } = connection;
    if (blocked === undefined) {
      // it was taken, perhaps just now: its confirm is on its way
      stop = clock.after(HELD_BACK_MS, () => giveUp("the message is not confirmed"));
      return;
    }
    giveUp(blocked);
    // at once: if the alarm ended first, the message would be taken after all
    void connection.close().catch(() => {});
  });
  publishing.finally(() => stop()).catch(() => {}); // when nobody waits for it any more
  return Promise.race([publishing, late.promise]);
}

/** Publishes one message; true when a queue took it. */
async function publish(
  channel: Channel,
  message: {
    readonly exchange: string;
    readonly routingKey: string;
    readonly properties: BasicProperties;
  },
  payload: Uint8Array,
): Promise<boolean> {
  let routed = true;
  channel.onReturn = () => {
    routed = false;
  };
  await channel.confirmSelect();
  try {
    await channel.basicPublish({ ...message, mandatory: true }, payload);
  } catch (error) {
    // a queue that refuses what is too much
    if (error instanceof Error && error.name === "PublishNackedError") {
      throw badRequest("rejected Unable to publish message. Check queue limits.");
    }
    throw error;
  }
  return routed;
}

interface Get {
  readonly count: number;
  readonly ackMode: typeof ACK_MODES[number];
  readonly encoding: "auto" | "base64";
  readonly truncate: number;
}

function readGet(body: JsonObject): Get {
  const [mode, count, encoding] = required(body, "ackmode", "count", "encoding");
  if (encoding !== "auto" && encoding !== "base64") {
    throw badRequest("Unsupported encoding. Please use auto or base64.");
  }
  const ackMode = ACK_MODES.find((one) => one === mode);
  if (ackMode === undefined) throw badRequest(`Unknown ackmode: ${String(mode)}`);
  return {
    count: integerOf(count),
    ackMode,
    encoding,
    truncate: body["truncate"] === undefined ? Infinity : integerOf(body["truncate"]),
  };
}

async function get(channel: Channel, queue: string, wanted: Get): Promise<JsonObject[]> {
  const { count, ackMode, encoding, truncate } = wanted;
  const noAck = ackMode === "ack_requeue_false";
  const taken: Delivery[] = [];
  let bytes = 0;
  while (taken.length < count && bytes < BODIES_MAX) {
    const delivery = await channel.basicGet(queue, { noAck });
    if (delivery === undefined) break;
    bytes += delivery.bodySize;
    taken.push(delivery);
  }
  const told = taken.map((delivery) => ({
    payload_bytes: delivery.bodySize,
    redelivered: delivery.redelivered,
    exchange: delivery.exchange,
    routing_key: delivery.routingKey,
    message_count: delivery.messageCount ?? 0,
    properties: describeProperties(delivery.properties),
    ...describePayload(delivery.body.subarray(0, truncate), encoding),
  }));
  if (!noAck) {
    for (const delivery of taken) {
      if (ackMode === "ack_requeue_true") delivery.nack({ requeue: true });
      else delivery.reject({ requeue: ackMode === "reject_requeue_true" });
    }
  }
  return told;
}

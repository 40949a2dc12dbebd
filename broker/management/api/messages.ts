import { AmqpError } from "../../amqp/error.ts";
import type { BasicProperties } from "../../amqp/properties.ts";
import type { Channel } from "../../../client/channel.ts";
import type { Connection } from "../../../client/connection.ts";
import type { JsonObject } from "../../mod.ts";
import { requireAdministrator, vhostOf } from "../access.ts";
import { actAs } from "../acting.ts";
import { BODY_MAX, integerOf, readObject, required, textOf } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, HttpError, isForbidden, plainText } from "../errors.ts";
import { ACK_MODES, type Get, getMessages, type GotMessages, gotParts } from "../got_messages.ts";
import { streamOf } from "../../http/json_stream.ts";
import { answer, inTurn } from "../listing.ts";
import { readPayload } from "../payload.ts";
import { readProperties } from "../properties.ts";
import { exchangeOf } from "./exchanges.ts";
import { findQueue } from "./queues.ts";

/** So long a message waits for an alarm to end, in milliseconds. */
const HELD_BACK_MS = 30_000;
/** What was got is streamed when it comes to more, in bytes. */
const LONG = 64 * 1024;

/** Messages: publishing, getting, purging. */
export function messageRoutes(api: Api, management: Management): void {
  const { broker } = management;

  /** RabbitMQ 4 looks for a thing itself, before it tries to use it. */
  const requireKnown = (kind: string, found: Iterable<unknown>) => {
    if (broker.node().httpApi === 3) return;
    for (const _ of found) return;
    throw new HttpError(404, "not_found", `${kind}_not_found`);
  };

  api.post("/api/exchanges/:vhost/:exchange/publish", async (call) => {
    const vhost = vhostOf(call, broker, true);
    const exchange = exchangeOf(call);
    requireKnown("exchange", broker.exchanges({ vhost, exchange }));
    const body = await readObject(call, { most: BODY_MAX, exactHeaders: true });
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
    requireKnown("queue", broker.queues({ vhost, queue }));
    const wanted = readGet(await readObject(call));
    return await inTurn(call, async (onSent) => {
      const getting = actAs(
        call.var.session,
        vhost,
        (channel) => getMessages(channel, queue, wanted, call.env.peer.gone),
      );
      return answerGot(call, await tellingOfQueue(getting), wanted, onSent);
    });
  });

  api.delete("/api/queues/:vhost/:queue/contents", async (call) => {
    const { vhost, name } = findQueue(call, management);
    await actAs(call.var.session, vhost, (channel) => channel.queuePurge(name));
    return call.body(null, 204);
  });

  // mirrors of RabbitMQ 3 were brought up to date by these; there are none
  api.post("/api/queues/:vhost/:queue/actions", async (call) => {
    requireAdministrator(call);
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
    if (!(error instanceof AmqpError) || isForbidden(error)) throw error;
    throw badRequest(`${error.replyCode} ${error.message}`);
  }
}

/** And a get: what is missing is told as such. */
async function tellingOfQueue<T>(getting: Promise<T>): Promise<T> {
  try {
    return await getting;
  } catch (error) {
    if (!(error instanceof AmqpError)) throw error;
    if (error.replyCode === 404) throw new HttpError(404, "not_found", error.message);
    if (error.replyCode === 403 || isForbidden(error)) throw error;
    throw badRequest(`${error.replyCode} ${plainText(error)}`);
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

function answerGot(call: Call, got: GotMessages, wanted: Get, onSent: () => void): Response {
  const parts = gotParts(got, wanted);
  const isLong = got.bytes > LONG;
  if (!isLong) onSent();
  const body = isLong ? streamOf(parts, onSent) : [...parts].join("");
  return call.body(body, 200, { "content-type": "application/json" });
}

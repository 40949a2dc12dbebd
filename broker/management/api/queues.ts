import type { JsonObject, QueueInfo } from "../../mod.ts";
import { seesVhost, vhostOf } from "../access.ts";
import { actAs } from "../acting.ts";
import { argumentsOf, booleanOf, readObject } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answerList, answerLong, type Listing, wantsNoStats } from "../listing.ts";
import { LENGTHS, Stats } from "../stats.ts";
import { toldArguments } from "../told_arguments.ts";
import { describeConsumer } from "./consumers.ts";

/** What messages did, in an object of its own. */
const MESSAGE_STATS = "message_stats";
/** What is counted besides, and told with its rate. */
const COUNTED: ReadonlySet<string> = new Set(Object.values(LENGTHS));

/** Queues: what there is, declaring and deleting. */
export function queueRoutes(api: Api, management: Management): void {
  const { broker } = management;
  const describer = (call: Call) => {
    const stats = new Stats(management.rates, call);
    return (queue: QueueInfo, field?: string): JsonObject => {
      if (field === "name") return { name: queue.name };
      if (field !== undefined && isCounted(field)) return statsOf(queue, management, stats, field);
      const described = describeQueue(queue, management);
      return field === undefined
        ? { ...described, ...statsOf(queue, management, stats) }
        : described;
    };
  };
  const listing = (call: Call, rows: Iterable<QueueInfo>): Listing<QueueInfo> => ({
    rows,
    key: ({ vhost, name }) => `${vhost}\0${name}`,
    name: ({ name }) => name,
    describe: wantsNoStats(call)
      ? (queue) => describePlainly(queue, management, call.req.query("enable_queue_totals"))
      : describer(call),
  });

  for (const path of ["/api/queues", "/api/queues/detailed"]) {
    api.get(path, (call) => {
      const sees = seesVhost(call);
      const wanted = ({ vhost }: QueueInfo) => sees(vhost);
      return answerList(call, { ...listing(call, broker.queues()), wanted });
    });
  }

  api.get("/api/queues/:vhost", (call) => {
    const rows = broker.queues({ vhost: vhostOf(call, broker) });
    return answerList(call, listing(call, rows));
  });

  api.get("/api/queues/:vhost/:queue", (call) => {
    const queue = findQueue(call, management);
    const { name, vhost } = queue;
    const described = {
      ...describer(call)(queue),
      ...ownerOf(queue, management),
      deliveries: [],
      incoming: [],
    };
    return answerLong(call, described, {
      name: "consumer_details",
      rows: broker.consumers({ vhost, queue: name }),
      describe: (one) => describeConsumer(one, management),
    });
  });

  api.put("/api/queues/:vhost/:queue", async (call) => {
    const vhost = vhostOf(call, broker, true);
    const name = call.req.param("queue");
    const body = await readObject(call);
    const { node } = management;
    if (typeof body["node"] === "string" && body["node"] !== node) {
      throw badRequest(`Node ${body["node"]} could not be contacted`);
    }
    const declared = {
      durable: booleanOf(body, "durable", false),
      autoDelete: booleanOf(body, "auto_delete", false),
      arguments: argumentsOf(body),
    };
    const [before] = broker.queues({ vhost, queue: name });
    await actAs(call.var.session, vhost, (channel) => channel.queueDeclare(name, declared));
    return call.body(null, before === undefined ? 201 : 204);
  });

  api.delete("/api/queues/:vhost/:queue", async (call) => {
    const { vhost, name } = findQueue(call, management);
    const ifUnused = call.req.query("if-unused") === "true";
    const ifEmpty = call.req.query("if-empty") === "true";
    await actAs(
      call.var.session,
      vhost,
      (channel) => channel.queueDelete(name, { ifUnused, ifEmpty }),
    );
    return call.body(null, 204);
  });
}

/**
 * The queue that a path names.
 *
 * @throws {HttpError} 404 when there is none, 401 when who is asking may not see its vhost.
 */
export function findQueue(call: Call, { broker }: Management): QueueInfo {
  const vhost = vhostOf(call, broker);
  const [found] = broker.queues({ vhost, queue: call.req.param("queue") ?? "" });
  if (found === undefined) throw notFound();
  return found;
}

/** What everybody is told of a queue. */
function identify(queue: QueueInfo, { node }: Management): JsonObject {
  const { name, vhost, type, durable, autoDelete, exclusive } = queue;
  return {
    name,
    vhost,
    type,
    durable,
    auto_delete: autoDelete,
    exclusive,
    arguments: toldArguments(queue.arguments),
    node,
  };
}

function describeQueue(queue: QueueInfo, management: Management): JsonObject {
  const { type, policy, operatorPolicy } = queue;
  const { node } = management;
  return {
    ...identify(queue, management),
    state: "running",
    policy,
    operator_policy: operatorPolicy,
    effective_policy_definition: queue.effectivePolicyDefinition,
    consumers: queue.consumers,
    exclusive_consumer_tag: queue.exclusiveConsumerTag,
    single_active_consumer_tag: queue.singleActiveConsumerTag,
    messages_retrying: queue.messagesRetrying,
    ...holdingsOf(queue),
    ...type === "stream" ? { segments: queue.segments } : {},
    ...type === "classic" ? {} : { leader: node, members: [node], online: [node] },
  };
}

/** How much it holds, and where. A stream holds nothing for its consumers. */
function holdingsOf(queue: QueueInfo): JsonObject {
  const { memory, consumerCapacity: capacity, messageBytesReady: ready } = queue;
  const { messageBytesUnacknowledged: unacked, messagesReadyInMemory: readyInMemory } = queue;
  const stream = queue.type === "stream";
  const { messagesUnacknowledged } = queue;
  return {
    memory,
    consumer_capacity: capacity,
    consumer_utilisation: capacity,
    message_bytes: ready + unacked,
    message_bytes_ready: ready,
    message_bytes_unacknowledged: unacked,
    message_bytes_persistent: queue.messageBytesPersistent,
    message_bytes_ram: queue.messageBytesInMemory,
    head_message_timestamp: queue.headMessageTimestamp,
    messages_persistent: queue.messagesPersistent,
    messages_ram: readyInMemory + (stream ? 0 : messagesUnacknowledged),
    messages_ready_ram: readyInMemory,
    messages_unacknowledged_ram: stream ? 0 : messagesUnacknowledged,
  };
}

/** True for a field that comes from what is counted. */
function isCounted(field: string): boolean {
  return field === MESSAGE_STATS || COUNTED.has(field.replace(/_details$/, ""));
}

/** What is counted of a queue, or the one field that is wanted of that; one that has just gone was like
 * this. */
function statsOf(
  queue: QueueInfo,
  { broker }: Management,
  stats: Stats,
  field?: string,
): JsonObject {
  const { vhost, name, messages, messagesReady, messagesUnacknowledged } = queue;
  const values = { messages, messagesReady, messagesUnacknowledged };
  const meter = broker.meter("queue", name, { vhost }) ?? { of: queue, values };
  if (field === MESSAGE_STATS) return stats.messages(meter);
  if (field !== undefined) return stats.lengths(meter);
  return { ...stats.lengths(meter), ...stats.messages(meter) };
}

/** What is told of queues when nobody wants to know more. */
function describePlainly(
  queue: QueueInfo,
  management: Management,
  totals: string | undefined,
): JsonObject {
  return {
    ...identify(queue, management),
    state: totals === "true" ? "running" : "live",
    ...totals === "true"
      ? {
        messages: queue.messages,
        messages_ready: queue.messagesReady,
        messages_unacknowledged: queue.messagesUnacknowledged,
      }
      : {},
  };
}

function ownerOf({ owner }: QueueInfo, { broker }: Management): JsonObject {
  if (owner === null) return {};
  const [connection] = broker.connections({ connection: owner });
  const { peerHost = null, peerPort = null } = connection ?? {};
  return { owner_pid_details: { name: owner, peer_host: peerHost, peer_port: peerPort } };
}

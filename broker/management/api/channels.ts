import { Slices } from "../../http/slices.ts";
import type { ChannelInfo, ConsumerInfo, JsonObject } from "../../mod.ts";
import { isMonitor, requireOwn, vhostOf } from "../access.ts";
import type { Api, Call, Management } from "../context.ts";
import { notFound } from "../errors.ts";
import { answerList, answerLong } from "../listing.ts";
import { type FoundMeters, MetersByName, Stats } from "../stats.ts";
import { findConnection, REASON, requireClosing } from "./connections.ts";
import { describeConsumer } from "./consumers.ts";

/** Channels: what there is. */
export function channelRoutes(api: Api, management: Management): void {
  const { broker } = management;
  const describer = (call: Call, meters: FoundMeters) => {
    const stats = new Stats(management.rates, call);
    return (channel: ChannelInfo): JsonObject => {
      const meter = meters.get(channel.name);
      return {
        ...describeChannel(channel, management),
        ...meter === undefined ? {} : stats.messages(meter),
      };
    };
  };
  const list = (call: Call, rows: Iterable<ChannelInfo>) => {
    const { session } = call.var;
    const all = isMonitor(session);
    const meters = new MetersByName(broker, "channel");
    return answerList(call, {
      rows,
      wanted: ({ user }) => all || user === session.user,
      key: ({ name }) => name,
      name: ({ name }) => name,
      prepare: () => meters.find(),
      describe: describer(call, meters),
    });
  };

  api.get("/api/channels", (call) => list(call, broker.channels()));
  api.get(
    "/api/vhosts/:vhost/channels",
    (call) => list(call, broker.channels({ vhost: vhostOf(call, broker) })),
  );
  api.get("/api/connections/:connection/channels", (call) => {
    const { name: connection, user } = findConnection(call, management);
    requireOwn(call, user);
    return list(call, broker.channels({ connection }));
  });

  const find = async (call: Call) => {
    const name = call.req.param("channel") ?? "";
    const connection = name.replace(/ \(\d+\)$/, "");
    const slices = new Slices();
    for (const found of broker.channels({ connection })) {
      if (found.name === name) return { found, connection };
      if (slices.over) await slices.rest();
    }
    throw notFound();
  };

  api.get("/api/channels/:channel", async (call) => {
    const { found, connection } = await find(call);
    requireOwn(call, found.user);
    const meters = { get: (name: string) => broker.meter("channel", name) };
    const described = { ...describer(call, meters)(found), deliveries: [], publishes: [] };
    return answerLong(call, described, {
      name: "consumer_details",
      rows: consumersOf(broker.consumers({ connection }), found),
      describe: (one) => describeConsumer(one, management),
    });
  });

  // RabbitMQ's API closes connections alone
  api.delete("/api/channels/:channel", async (call) => {
    const { name, user } = (await find(call)).found;
    requireClosing(call, user);
    broker.closeChannel(name, call.req.header("x-reason") ?? REASON);
    return call.body(null, 204);
  });
}

function* consumersOf(
  consumers: Iterable<ConsumerInfo>,
  { number }: ChannelInfo,
): Generator<ConsumerInfo> {
  for (const consumer of consumers) if (consumer.channel === number) yield consumer;
}

function describeChannel(channel: ChannelInfo, { node }: Management): JsonObject {
  const { name, number, user, vhost, connection, peerHost, peerPort } = channel;
  return {
    name,
    number,
    user,
    user_who_performed_action: user,
    vhost,
    node,
    state: "running",
    connection_details: { name: connection, peer_host: peerHost, peer_port: peerPort },
    transactional: channel.transactional,
    confirm: channel.confirm,
    consumer_count: channel.consumerCount,
    messages_unacknowledged: channel.messagesUnacknowledged,
    messages_unconfirmed: channel.messagesUnconfirmed,
    messages_uncommitted: channel.messagesUncommitted,
    acks_uncommitted: channel.acksUncommitted,
    prefetch_count: channel.prefetchCount,
    global_prefetch_count: channel.globalPrefetchCount,
  };
}

import type { ChannelInfo, JsonObject } from "../../mod.ts";
import { isMonitor, requireOwn, vhostOf } from "../access.ts";
import type { Api, Call, Management } from "../context.ts";
import { notFound } from "../errors.ts";
import { answer, answerList } from "../listing.ts";
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
      key: ({ vhost, name }) => `${vhost}\0${name}`,
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

  const find = (call: Call) => {
    const name = call.req.param("channel") ?? "";
    const connection = name.replace(/ \(\d+\)$/, "");
    const found = [...broker.channels({ connection })].find((one) => one.name === name);
    if (found === undefined) throw notFound();
    return { found, connection };
  };

  api.get("/api/channels/:channel", (call) => {
    const { found, connection } = find(call);
    requireOwn(call, found.user);
    const consumers = [...broker.consumers({ connection })]
      .filter(({ channel }) => channel === found.number);
    return answer(call, {
      ...describer(call, { get: (name) => broker.meter("channel", name) })(found),
      consumer_details: consumers.map((one) => describeConsumer(one, management)),
      deliveries: [],
      publishes: [],
    });
  });

  // RabbitMQ's API closes connections alone
  api.delete("/api/channels/:channel", (call) => {
    const { name, user } = find(call).found;
    requireClosing(call, user);
    broker.closeChannel(name, call.req.header("x-reason") ?? REASON);
    return call.body(null, 204);
  });
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

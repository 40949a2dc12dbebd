import type { Broker, BrokerEventName } from "../mod.ts";

/** How often things came and went since the API is there. */
export interface Churn extends Record<string, number> {
  connectionCreated: number;
  connectionClosed: number;
  channelCreated: number;
  channelClosed: number;
  queueDeclared: number;
  queueCreated: number;
  queueDeleted: number;
}

/** Counts. The second of the results ends that. */
export function countChurn(broker: Broker): readonly [Churn, () => void] {
  const before = broker.queueDeclarations;
  const churn: Churn = {
    connectionCreated: 0,
    connectionClosed: 0,
    channelCreated: 0,
    channelClosed: 0,
    // one that was there already is no event
    get queueDeclared() {
      return broker.queueDeclarations - before;
    },
    queueCreated: 0,
    queueDeleted: 0,
  };
  const counted: readonly (readonly [BrokerEventName, ...(keyof Churn & string)[]])[] = [
    ["connection.created", "connectionCreated"],
    ["connection.closed", "connectionClosed"],
    ["channel.created", "channelCreated"],
    ["channel.closed", "channelClosed"],
    ["queue.created", "queueCreated"],
    ["queue.deleted", "queueDeleted"],
  ];
  const stops = counted.map(([event, ...names]) =>
    broker.on(event, () => {
      for (const name of names) churn[name] = (churn[name] ?? 0) + 1;
    })
  );
  return [churn, () => stops.forEach((stop) => stop())];
}

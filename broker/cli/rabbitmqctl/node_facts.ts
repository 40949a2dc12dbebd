import type { JsonValue } from "../../policy/json.ts";
import type { Row } from "../management_client.ts";

/** What RabbitMQ's tools say of the alarms of a node. */
export function alarmsOf(node: Row): string[] {
  return [
    ...node["mem_alarm"] === true ? [`Memory alarm on node ${node["name"]}`] : [],
    ...node["disk_free_alarm"] === true ? [`Free disk space alarm on node ${node["name"]}`] : [],
  ];
}

/** Where a broker listens. */
export interface Listening {
  readonly ip_address: string;
  readonly port: number;
  readonly protocol: string;
}

/** Where it does, by its overview. */
export function listenersOf(overview: Row): Listening[] {
  return (overview["listeners"] ?? []) as unknown as Listening[];
}

const PURPOSES: Readonly<Record<string, string>> = {
  amqp: "AMQP 0-9-1",
  "amqp/ssl": "AMQP 0-9-1 over TLS",
  http: "HTTP API",
  https: "HTTP API over TLS (HTTPS)",
  "http/prometheus": "Prometheus exporter API over HTTP",
  "https/prometheus": "Prometheus exporter API over TLS (HTTPS)",
  "http/web-amqp": "AMQP 0-9-1 over WebSockets",
  "https/web-amqp": "AMQP 0-9-1 over WebSockets and TLS",
};

/** What somebody listens for. */
export function purposeOf(protocol: string): string {
  return PURPOSES[protocol] ?? protocol;
}

/** A line without its first letter, which is large where nothing comes before it. */
export function describeListener(listening: Listening): string {
  const { interface: where, port, protocol, purpose } = listenerFields(listening);
  return `nterface: ${where}, port: ${port}, protocol: ${protocol}, purpose: ${purpose}`;
}

/** The same for JSON. */
export function listenerValue(listening: Listening, node: string): JsonValue {
  return { node, ...listenerFields(listening) };
}

function listenerFields({ ip_address, port, protocol }: Listening) {
  return {
    interface: ip_address.includes(":") ? `[${ip_address}]` : ip_address,
    port,
    protocol,
    purpose: purposeOf(protocol),
  };
}

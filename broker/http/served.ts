import type { Broker } from "../mod.ts";
import type { HttpServer } from "./listen.ts";

/** A port on which something about a broker is served by HTTP. */
export interface ServedPort {
  /** What RabbitMQ calls it, such as `http/prometheus`. */
  readonly protocol: string;
  /** What listens there. */
  readonly server: HttpServer;
}

/** Sides of a broker do not know each other, but the one for operators tells of all ports. */
const PORTS = new WeakMap<Broker, Set<ServedPort>>();

/** Notes that something is served there. The result ends that. */
export function noteServed(broker: Broker, port: ServedPort): () => void {
  const ports = PORTS.get(broker) ?? new Set();
  PORTS.set(broker, ports.add(port));
  return () => void ports.delete(port);
}

/** What is served beside the API. */
export function servedBeside(broker: Broker): Iterable<ServedPort> {
  return PORTS.get(broker) ?? [];
}

import { pollSockets } from "../amqp/turn.ts";
import type { Clock } from "../amqp/clock.ts";
import type {
  BrokerSnapshot,
  ListenerInfo,
  SnapshotOptions,
  SnapshotPart,
} from "../operator_info.ts";
import type { InVhost } from "../operator_options.ts";
import type { Profile } from "../profiles.ts";
import { WARREN_VERSION } from "../version.ts";
import type { BrokerObjects } from "./objects.ts";

/** For so long things are described before others get a chance to do something. */
const SLICE_MS = 2;
/** So many are described before the clock is looked at. */
const BATCH = 16;

const PARTS: readonly SnapshotPart[] = [
  "vhosts",
  "exchanges",
  "queues",
  "bindings",
  "connections",
  "channels",
  "consumers",
  "listeners",
];

/**
 * Describes all that there is in a broker, or a part of it, with pauses in which everything else goes
 * on: it is no picture of one moment, unless it is a small one.
 *
 * @throws {TypeError} When there is no such part.
 * @throws {DefinitionError} When there is no such vhost.
 */
export async function takeSnapshot<Part extends SnapshotPart>(
  objects: BrokerObjects,
  listeners: Iterable<ListenerInfo>,
  { clock, profile }: { readonly clock: Clock; readonly profile: Profile },
  { vhost, only }: SnapshotOptions<Part>,
): Promise<BrokerSnapshot<Part>> {
  for (const part of only ?? []) {
    if (!PARTS.includes(part)) {
      throw new TypeError(`Cannot take snapshot: no part is called ${part}`);
    }
  }
  const where: InVhost = vhost === undefined ? {} : { vhost };
  const snapshot: Record<string, unknown> = {
    formatVersion: 1,
    time: clock.now(),
    rabbitmqVersion: profile.version,
    productVersion: WARREN_VERSION,
  };
  let sliceEnd = performance.now() + SLICE_MS;
  for (const part of PARTS) {
    if (only !== undefined && !only.includes(part as Part)) continue;
    const described: unknown[] = [];
    for (const each of part === "listeners" ? listeners : objects[part](where)) {
      described.push(each);
      if (described.length % BATCH !== 0 || performance.now() < sliceEnd) continue;
      await pollSockets();
      sliceEnd = performance.now() + SLICE_MS;
    }
    snapshot[part] = described;
  }
  return snapshot as BrokerSnapshot<Part>;
}

import type { NodeInfo } from "./operator_info.ts";
import type { CompleteOptions } from "./options.ts";
import type { Resources } from "./resources.ts";
import { WARREN_VERSION } from "./version.ts";

/** What is told of the broker itself. */
export function describeNode({ options, resources, startedAt, exchangeTypes, authMechanisms }: {
  readonly options: CompleteOptions;
  readonly resources: Resources;
  readonly startedAt: number;
  readonly exchangeTypes: readonly string[];
  readonly authMechanisms: readonly string[];
}): NodeInfo {
  const { alarms } = resources;
  const memoryLimit = resources.memory.rssLimit;
  return {
    name: options.nodeName,
    startedAt,
    rabbitmqVersion: options.profile.version,
    httpApi: options.profile.httpApi,
    productVersion: WARREN_VERSION,
    exchangeTypes,
    authMechanisms,
    defaultQueueType: options.defaultQueueType ?? "classic",
    connectionMax: options.connectionMax === Infinity ? null : options.connectionMax,
    memoryUsed: resources.memoryUsed,
    memoryLimit: memoryLimit === Infinity ? null : memoryLimit,
    memoryAlarm: alarms.lowOnMemory,
    diskFree: resources.diskFree ?? null,
    diskFreeLimit: resources.diskFreeLimit,
    diskAlarm: alarms.has("disk") || alarms.has("store"),
    dataDir: options.dataDir ?? null,
  };
}

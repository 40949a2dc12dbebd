/**
 * In what versions of RabbitMQ differ, as far as a client can tell, and which of it a broker does: the
 * table below, a line for each difference. Those who carry it out are given its values and know
 * nothing of versions.
 *
 * @module
 */

/** Whose behaviour a broker has where versions of RabbitMQ differ. */
export type ProfileName = "drop-in" | "rabbitmq-3.13" | "rabbitmq-4.3";

/** The types that queues are of. */
type QueueTypes = readonly ("classic" | "quorum" | "stream")[];

/** What a broker does where versions of RabbitMQ differ. */
export interface Profile {
  /** The version in `server-properties`. */
  readonly version: string;
  /** Of which RabbitMQ the answers of the HTTP API are where those contradict one another. */
  readonly httpApi: 3 | 4;
  /** The protocol header that answers one which is not understood, without "AMQP". */
  readonly headerReply: readonly [id: number, major: number, minor: number, revision: number];
  /** The smallest `frame_max` that a client may choose, in bytes. */
  readonly frameMaxLeast: number;
  /** The largest frame before a client has chosen, in bytes, unless the broker is told another. */
  readonly handshakeFrameMax: number;
  /** The largest body of a message in bytes, unless the broker is told another. */
  readonly messageSizeMax: number;
  /** How many messages a transaction may have before it is committed, unless the broker is told another
   * number. */
  readonly txMessageMax: number;
  /** True when `x-queue-version` may be 1. */
  readonly firstQueueVersion: boolean;
  /** True when `basic.qos` knows limits for a whole channel. Else they are taken for a consumer's. */
  readonly globalPrefetch: boolean;
  /** The types of queues whose deliveries must be acked in time. */
  readonly consumerTimeoutTypes: QueueTypes;
  /** True when a consumer that takes too long is cancelled, if its client can be told so. Else, and
   * when nothing of it is true, its channel is closed. */
  readonly consumerTimeoutCancels: boolean;
  /** True when a client may answer `basic.cancel` by `basic.cancel-ok`. */
  readonly takesCancelOk: boolean;
  /** True when consumers know the argument `x-consumer-timeout`. */
  readonly consumerTimeoutArgument: boolean;
  /** How often a message may come back to a quorum queue that was told no limit. */
  readonly quorumDeliveryLimit: number;
  /** True when messages of a quorum queue go out by their priority. */
  readonly quorumPriorities: boolean;
  /** True when what a client gives back by `basic.nack` counts towards a queue's delivery limit. */
  readonly nackCounts: boolean;
  /** True when what a client gives back to a quorum queue without a delivery limit goes out after all that wait. */
  readonly returnsGoLast: boolean;
  /** True when deliveries tell by `x-acquired-count` how often a message came back at all. */
  readonly tellsAcquiredCount: boolean;
  /** True when a passive declaration needs a permission on what it asks for: one of the three. */
  readonly passiveNeedsPermission: boolean;
  /** How many `#` may be in the binding key of a topic exchange. */
  readonly topicHashMax: number;
  /** True when the `x-death` of a message that a client publishes is taken for its story so far. */
  readonly continuesDeaths: boolean;
  /** True when a direct reply that somebody waits for has been routed: a mandatory one does not come
   * back. No other exchange leads there. */
  readonly repliesAreRouted: boolean;
}

const MIB = 1024 * 1024;
const ALL: QueueTypes = ["classic", "quorum", "stream"];
const QUORUM: QueueTypes = ["quorum"];

/** The names of the columns. */
const NAMES: readonly ProfileName[] = ["drop-in", "rabbitmq-3.13", "rabbitmq-4.3"];

// deno-fmt-ignore -- it is to be read as a table
const TABLE: { readonly [Key in keyof Profile]: readonly [Profile[Key], Profile[Key], Profile[Key]] } = {
  //                         drop-in       rabbitmq-3.13  rabbitmq-4.3
  version:                 ["3.13.7",      "3.13.7",      "4.3.6"],
  httpApi:                 [3,             3,             4],
  headerReply:             [[0, 0, 9, 1],  [0, 0, 9, 1],  [3, 1, 0, 0]],
  frameMaxLeast:           [4096,          4096,          8192],
  handshakeFrameMax:       [4096,          4096,          8192],
  messageSizeMax:          [128 * MIB,     128 * MIB,     16 * MIB],
  txMessageMax:            [1_000_000,     1_000_000,     10_000],
  firstQueueVersion:       [true,          true,          false],
  globalPrefetch:          [true,          true,          false],
  consumerTimeoutTypes:    [ALL,           ALL,           QUORUM],
  consumerTimeoutCancels:  [false,         false,         true],
  takesCancelOk:           [false,         false,         true],
  consumerTimeoutArgument: [true,          false,         true],
  quorumDeliveryLimit:     [20,            Infinity,      20],
  quorumPriorities:        [true,          false,         true],
  nackCounts:              [true,          true,          false],
  returnsGoLast:           [true,          true,          false],
  tellsAcquiredCount:      [true,          false,         true],
  passiveNeedsPermission:  [true,          false,         true],
  topicHashMax:            [Infinity,      Infinity,      2],
  continuesDeaths:         [true,          true,          false],
  repliesAreRouted:        [true,          false,         true],
};

/** What a broker does unless it is told otherwise: what harms the fewest clients. */
export const DROP_IN: Profile = profileOf("drop-in");

/** What a profile comes to. */
export function profileOf(name: ProfileName): Profile {
  const column = NAMES.indexOf(name);
  const values = Object.entries(TABLE).map(([key, row]) => [key, row[column]]);
  return Object.freeze(Object.fromEntries(values)) as Profile;
}

/** The name of a profile; that of a RabbitMQ may be its version alone. Undefined: there is none. */
export function profileName(text: string): ProfileName | undefined {
  return NAMES.find((name) => name === text || name === `rabbitmq-${text}`);
}

import type { FieldTable } from "./amqp/field_table.ts";
import type { UserLimits } from "./auth/user_limits.ts";
import type { JsonValue } from "./policy/json.ts";
import type { VhostLimits } from "./policy/limits.ts";
import type { VhostMetadata } from "./vhost/metadata.ts";

/**
 * What the methods of `Broker` for operators take and give, as far as it belongs to no room.
 *
 * @module
 */

/** Where something is. */
export interface InVhost {
  /** The vhost. */
  readonly vhost?: string;
}

/** Where definitions go, and for whom. */
export interface ImportDefinitionsOptions extends InVhost {
  /** Who may do everything in vhosts that are new, unless the file says otherwise; nobody if it is left
   * out, or names somebody who is no user of the broker's own, as one who logs in by a token. */
  readonly grantTo?: string;
}

/** Which exchange is meant. */
export interface InExchange extends InVhost {
  /** Its name. */
  readonly exchange: string;
}

/** Which queue is meant. */
export interface InQueue extends InVhost {
  /** Its name. */
  readonly queue: string;
}

/** An exchange as it is asked for. */
export interface DeclareExchangeOptions extends InExchange {
  /** Its type, such as `topic`. */
  readonly type: string;
  /** Survives a restart. Default: true. */
  readonly durable?: boolean;
  /** Goes with the last binding that it is the source of. Default: false. */
  readonly autoDelete?: boolean;
  /** Clients cannot publish to it. Default: false. */
  readonly internal?: boolean;
  /** Such as `alternate-exchange`. */
  readonly arguments?: FieldTable;
}

/** An exchange that is to be deleted. */
export interface DeleteExchangeOptions extends InExchange {
  /** Refuses when something is bound to it. Default: false. */
  readonly ifUnused?: boolean;
}

/** A queue as it is asked for. */
export interface DeclareQueueOptions extends InQueue {
  /** Survives a restart. Default: true. */
  readonly durable?: boolean;
  /** Goes when its last consumer goes. Default: false. */
  readonly autoDelete?: boolean;
  /** Such as `x-queue-type`. */
  readonly arguments?: FieldTable;
}

/** A queue that is to be deleted. */
export interface DeleteQueueOptions extends InQueue {
  /** Refuses when it has consumers. Default: false. */
  readonly ifUnused?: boolean;
  /** Refuses when it has messages. Default: false. */
  readonly ifEmpty?: boolean;
}

/** A binding as it is asked for. */
export interface BindingOptions extends InVhost {
  /** The exchange that messages come from. */
  readonly source: string;
  /** The queue or exchange that they go to. */
  readonly destination: string;
  /** What that is. Default: `queue`. */
  readonly destinationType?: "queue" | "exchange";
  /** The binding key. Default: empty. */
  readonly routingKey?: string;
  /** What a headers exchange looks at. */
  readonly arguments?: FieldTable;
}

/** Which part of a long row is wanted. */
export interface PageOptions {
  /** How many to pass over. Default: 0. */
  readonly offset?: number;
  /** How many at most. Default: 100. */
  readonly limit?: number;
}

/** What can be said of a vhost. */
export interface VhostOptions {
  /** What it is for. */
  readonly description?: string;
  /** Words by which it can be found. */
  readonly tags?: readonly string[];
  /** The type of queues that are declared without `x-queue-type`, if they can be of that type: not
   * exclusive ones, for example. Null: classic, and no type is compared when a queue is declared
   * again. */
  readonly defaultQueueType?: "classic" | "quorum" | "stream" | null;
  /** Refuses to delete it. */
  readonly protectedFromDeletion?: boolean;
}

/** A vhost, and what was said of it. */
export interface Vhost extends VhostMetadata {
  /** Its name. */
  readonly name: string;
  /** True while its firehose is on. */
  readonly tracing: boolean;
  /** How much it may have. */
  readonly limits: VhostLimits;
}

/** A user as it is asked for. */
export interface UserOptions {
  /** Its password. Without one it cannot log in with a password. */
  readonly password?: string;
  /** What it is: `administrator`, `monitoring`, `policymaker`, `management`, `impersonator`, or any
   * other word. Default: nothing. */
  readonly tags?: readonly string[];
  /** How much it may have. Default: any number. */
  readonly limits?: UserLimits;
}

/** Whose permissions are wanted. */
export interface OfUser extends InVhost {
  /** The user; all of them when it is left out. */
  readonly user?: string;
}

/** A runtime parameter as it is asked for. */
export interface ParameterOptions extends InVhost {
  /** The part of the broker that it is for. */
  readonly component: string;
  /** Its name. */
  readonly name: string;
  /** Anything that JSON can say. */
  readonly value: JsonValue;
}

/** A queue or an exchange that policies may apply to; its vhost is `/` unless it says so. */
export type PolicyHolder = InVhost & ({ readonly queue: string } | { readonly exchange: string });

import type { Logger } from "../amqp/logger.ts";
import type { PasswordHashing } from "../auth/password.ts";
import type { UserAuthenticator } from "../auth/user_authenticator.ts";
import type { Users } from "../auth/users.ts";
import type { BrokerConnection } from "../connection/connection.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";
import type { Changes } from "./changes.ts";
import { ConnectionOperations } from "./connections.ts";
import { DefinitionOperations } from "./definitions.ts";
import { DelayedMessageOperations } from "./delayed_messages.ts";
import { Meters } from "./meters.ts";
import { BrokerObjects } from "./objects.ts";
import { ParameterOperations } from "./parameters.ts";
import { PermissionOperations } from "./permissions.ts";
import { PolicyOperations } from "./policies.ts";
import { QueuedMessageOperations } from "./queued_messages.ts";
import { TopologyOperations } from "./topology.ts";
import { UserOperations } from "./users.ts";
import { VhostOperations } from "./vhosts.ts";

/** What operators do something with. */
export interface OperationsOptions {
  /** The vhosts and all that is in them. */
  readonly vhosts: VirtualHosts;
  /** Those that have entered. */
  readonly connections: ReadonlySet<BrokerConnection>;
  /** The users. */
  readonly users: Users;
  /** What knows their passwords. */
  readonly authenticator: UserAuthenticator;
  /** False when users and their passwords let nobody in. */
  readonly admitsUsers: boolean;
  /** How all of it is changed. */
  readonly changes: Changes;
  /** What new passwords are hashed with. */
  readonly passwordHashing: PasswordHashing;
  /** Where warnings go. */
  readonly logger: Logger;
}

/** All that operators can do, by what it is about. */
export type Operations = ReturnType<typeof operations>;

/** Makes all that operators can do. */
export function operations(options: OperationsOptions) {
  const { vhosts, connections, users, changes } = options;
  return {
    objects: new BrokerObjects(vhosts, connections),
    meters: new Meters(vhosts, connections),
    topology: new TopologyOperations(vhosts, changes),
    connections: new ConnectionOperations(connections),
    vhosts: new VhostOperations(vhosts, users, changes),
    users: new UserOperations(users, changes, options),
    permissions: new PermissionOperations(users, vhosts, changes),
    policies: new PolicyOperations(vhosts, changes),
    parameters: new ParameterOperations(vhosts, changes),
    definitions: new DefinitionOperations(vhosts, users, changes, options),
    delayed: new DelayedMessageOperations(vhosts, changes),
    queued: new QueuedMessageOperations(vhosts, changes),
  };
}

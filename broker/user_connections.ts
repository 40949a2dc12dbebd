import { AmqpError } from "./amqp/error.ts";
import { type Steps, workInSlices } from "./amqp/long_work.ts";
import type { User } from "./auth/authenticator.ts";
import type { Authorization, Rights } from "./auth/authorization.ts";
import type { UserObserver } from "./auth/users.ts";
import { BrokerConnection } from "./connection/connection.ts";
import type { NodeChannels } from "./connection/node_channels.ts";
import { reachedLimit } from "./policy/limits.ts";

/** What it costs to close a connection. */
const CLOSE_COST = 8;

/** A connection, or a socket that is about to become one. */
interface OfUser {
  readonly user: User;
}

/** The connections of each user: how many there may be, and what changes for them with the user. */
export class UserConnections implements UserObserver {
  readonly #authorization: () => Authorization;
  readonly #byUser = new Map<string, Set<OfUser>>();
  /** How many channels each user has open; those without any are not in it. */
  readonly #channels = new Map<string, number>();

  /** @param authorization Gives what says how many a user may have, and what they may do. */
  constructor(authorization: () => Authorization) {
    this.#authorization = authorization;
  }

  /** One more. */
  add(connection: OfUser): void {
    const { name } = connection.user;
    const others = this.#byUser.get(name);
    if (others === undefined) this.#byUser.set(name, new Set([connection]));
    else others.add(connection);
  }

  /** It has ended, if it was one. */
  delete(connection: OfUser): void {
    const { name } = connection.user;
    const others = this.#byUser.get(name);
    others?.delete(connection);
    if (others?.size === 0) this.#byUser.delete(name);
  }

  /** @throws {AmqpError} 530 when a user has as many connections as it may have. */
  checkConnections(user: User): void {
    const { maxConnections } = this.#authorization().limits(user);
    const limit = reachedLimit(maxConnections, this.#byUser.get(user.name)?.size ?? 0);
    if (limit === undefined) return;
    throw new AmqpError(
      530,
      `connection refused for user '${user.name}': user connection limit (${limit}) is reached`,
    );
  }

  /** @throws {AmqpError} 530 when a user has as many channels as it may have. */
  checkChannels(user: User): void {
    const { maxChannels } = this.#authorization().limits(user);
    if (maxChannels === undefined || maxChannels < 0) return;
    if ((this.#channels.get(user.name) ?? 0) < maxChannels) return;
    throw new AmqpError(
      530,
      `number of channels opened for user '${user.name}' has reached the maximum allowed user ` +
        `limit of ${maxChannels}`,
    );
  }

  /** Counts the channels of one connection of a user, for all of the node as well. */
  channelsOf({ name }: User, node: NodeChannels): Pick<NodeChannels, "open" | "close"> {
    const channels = this.#channels;
    return {
      open() {
        node.open();
        channels.set(name, (channels.get(name) ?? 0) + 1);
      },
      close() {
        node.close();
        const left = channels.get(name)! - 1;
        if (left === 0) channels.delete(name);
        else channels.set(name, left);
      },
    };
  }

  /** What a user may do has changed: it holds for what is open, too. There may be very many, so for most of
   * them this is next to nothing. */
  changed(user: string): void {
    const authorization = this.#authorization();
    const byVhost = new Map<BrokerConnection["vhost"], Rights>();
    for (const connection of this.#open(user)) {
      const { user, vhost } = connection;
      // what a program says of him is none of the list's business, and asked at the next login
      if (user.access !== undefined) continue;
      const isListed = authorization.isListed(user);
      const known = isListed ? byVhost.get(vhost) : undefined;
      const rights = known ?? authorization.rights(user, vhost.name);
      if (isListed && known === undefined) byVhost.set(vhost, rights);
      connection.setRights({ ...rights, restrictions: rights.restrictions?.again() });
    }
  }

  /** A user is gone, and so are its connections, as in RabbitMQ: if they are very many, some at a time. */
  deleted(user: string): void {
    // those of a new user of this name are not meant
    const connections = [...this.#open(user)];
    workInSlices(closing(connections, user), (slice) => slice(), () => {});
  }

  *#open(user: string): Iterable<BrokerConnection> {
    for (const connection of this.#byUser.get(user) ?? []) {
      if (connection instanceof BrokerConnection) yield connection;
    }
  }
}

function* closing(connections: readonly BrokerConnection[], user: string): Steps {
  for (const connection of connections) {
    connection.close(new AmqpError(320, `user '${user}' is deleted`));
    yield CLOSE_COST;
  }
}

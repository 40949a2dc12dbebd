import type { Logger } from "../amqp/logger.ts";
import type { BrokerEvents } from "../events.ts";
import { type AuthenticatorOption, chooseAuthenticator } from "./authenticators.ts";
import { Authorization } from "./authorization.ts";
import { LoginGuard } from "./login_guard.ts";
import { UserAuthenticator, type UserAuthenticatorOptions } from "./user_authenticator.ts";
import type { UserObserver, Users } from "./users.ts";

/** What logins are made of. */
export interface LoginsOptions extends UserAuthenticatorOptions {
  /** Makes the users that there are to begin with. */
  readonly openUsers: () => Users;
  /** Who decides; undefined: the users' passwords alone. */
  readonly authenticator: AuthenticatorOption | undefined;
  /** A user may have so many connections. */
  readonly connectionMaxPerUser: number;
  /** Who is told of users that change. */
  readonly observer: () => UserObserver;
  /** Who is told what happens. */
  readonly events: BrokerEvents;
  /** Where lines go. */
  readonly logger: Logger;
}

interface Made {
  readonly users: Users;
  readonly authenticator: UserAuthenticator;
  readonly guard: LoginGuard;
  readonly authorization: Authorization;
  readonly admitsUsers: boolean;
}

/**
 * The users of a broker, and all that lets them in. It is made when somebody needs it first: a program that
 * connects to its own broker logs in nowhere, and making it takes a tenth of the time to the first
 * message.
 */
export class Logins {
  readonly #options: LoginsOptions;
  #made: Made | undefined;
  #guardClosed = false;
  #closed = false;

  constructor(options: LoginsOptions) {
    this.#options = options;
  }

  /** The broker's users. */
  get users(): Users {
    return this.make().users;
  }

  /** Lets them in by their passwords. */
  get authenticator(): UserAuthenticator {
    return this.make().authenticator;
  }

  /** Who is let in, at what pace. */
  get guard(): LoginGuard {
    return this.make().guard;
  }

  /** What they may do. */
  get authorization(): Authorization {
    return this.make().authorization;
  }

  /** True when the broker's users may come in. */
  get admitsUsers(): boolean {
    return this.make().admitsUsers;
  }

  /**
   * Makes all of it, unless it is there.
   *
   * @throws {StoreError} When a newer version wrote the users.
   * @throws {DefinitionError} When something about the first user is wrong.
   */
  make(): Made {
    return this.#made ??= this.#make();
  }

  #make(): Made {
    const options = this.#options;
    const { events, logger, timeoutMs, clock } = options;
    const users = options.openUsers();
    const listed = new UserAuthenticator(users, options);
    const { authenticator, admitsOthers, admitsUsers } = chooseAuthenticator(
      options.authenticator,
      listed,
    );
    const guard = new LoginGuard({ authenticator, events, logger, timeoutMs, clock });
    const authorization = new Authorization(users, admitsOthers, {
      maxConnections: options.connectionMaxPerUser,
    });
    users.observe(options.observer());
    if (this.#guardClosed) guard.close();
    if (this.#closed) void listed.close();
    return { users, authenticator: listed, guard, authorization, admitsUsers };
  }

  /** Lets nobody in any more who waits for his turn. */
  closeGuard(): void {
    this.#guardClosed = true;
    this.#made?.guard.close();
  }

  /** Compares no password any more. Resolves when the last one was. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#made?.authenticator.close();
  }
}

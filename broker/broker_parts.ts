import { Logins } from "./auth/logins.ts";
import { hashPassword } from "./auth/password.ts";
import { Entrance } from "./entrance.ts";
import { BrokerEvents } from "./events.ts";
import { HeapGuard } from "./heap_guard.ts";
import { visitHeld } from "./held_messages.ts";
import { Listeners } from "./listeners.ts";
import { describeNode } from "./node_info.ts";
import { OpenedStore } from "./opened_store.ts";
import { Changes } from "./operator/changes.ts";
import { type Operations, operations } from "./operator/operations.ts";
import type { NodeInfo } from "./operator_info.ts";
import { type BrokerOptions, type CompleteOptions, completeOptions } from "./options.ts";
import { PagePool } from "./pages.ts";
import { PageMoves } from "./queue/page_moves.ts";
import { SparsePages } from "./queue/sparse_pages.ts";
import { resetBroker } from "./reset.ts";
import { Resources } from "./resources.ts";
import { ExchangeTypes } from "./routing/exchange_types.ts";
import { Serving } from "./serving.ts";
import { DeathCounts, MessageSizes } from "./stats.ts";
import type { StoreState } from "./store/store.ts";
import { beginUsers, firstPassword, openUsers } from "./stored_users.ts";
import { ExchangeLogger, publishEvents } from "./vhost/broker_exchanges.ts";
import { DelayedMessages } from "./vhost/delayed_messages.ts";
import { DurableReset } from "./vhost/durable_reset.ts";
import { VirtualHosts } from "./virtual_hosts.ts";

/** What a broker is made of: makes it, each part after those that it needs, and ends it. */
export class BrokerParts {
  /** What was asked for, with a logger that publishes what it is told as well. */
  readonly options: CompleteOptions;
  /** Who is told what happens. */
  readonly events: BrokerEvents;
  /** Memory and disk, and what is short. */
  readonly resources: Resources;
  /** The exchanges and queues. */
  readonly vhosts: VirtualHosts;
  /** The way in. */
  readonly entrance: Entrance;
  /** Where clients come from. */
  readonly listeners: Listeners;
  /** Whether they may. */
  readonly serving: Serving;
  /** How large published messages are. */
  readonly messageSizes: MessageSizes = new MessageSizes();
  /** How messages died. */
  readonly deaths: DeathCounts = new DeathCounts();

  readonly #logger: ExchangeLogger;
  readonly #pageMoves: PageMoves | undefined;
  readonly #sparsePages: SparsePages;
  readonly #startedAt: number;
  readonly #exchangeTypes: ExchangeTypes;
  readonly #opened: OpenedStore | undefined;
  readonly #delayed: DelayedMessages;
  readonly #logins: Logins;
  readonly #changes: Changes;
  #operator: Operations | undefined;
  /** Ends that events are published. */
  #stopTelling: (() => void) | undefined;

  /** @throws What the constructor of `Broker` throws. */
  constructor(asked: BrokerOptions) {
    const complete = completeOptions(asked);
    const { clock, dataDir } = complete;
    const logger = this.#logger = new ExchangeLogger(complete.logger, clock);
    const options = this.options = { ...complete, logger };
    this.events = new BrokerEvents(
      clock,
      (error) => logger.log("error", `event listener: ${(error as Error)?.stack ?? error}`),
    );
    this.#startedAt = clock.now();
    const { profile } = options;
    this.#exchangeTypes = new ExchangeTypes(logger, profile);
    for (const type of options.exchangeTypes) this.#exchangeTypes.register(type);
    const pages = new PagePool(dataDir === undefined ? Infinity : options.messageMemory);
    this.#delayed = new DelayedMessages({ clock, pages, logger });
    this.resources = new Resources(options, this.events, pages);
    if (dataDir !== undefined) {
      this.#opened = new OpenedStore(
        dataDir,
        options,
        (state) => this.#storeChanged(state),
        () => this.resources.disk?.check(),
      );
      pages.space = this.#opened.spill;
      this.#pageMoves = new PageMoves(pages, clock);
    }
    this.#sparsePages = new SparsePages(
      pages,
      (visit) => visitHeld(this.vhosts, this.entrance.connections, visit),
    );
    const store = this.#opened?.store;
    const { defaultQueueType, tracer, queueMax, vhostMax, exchangeMax, bindingMax } = options;
    const heap = new HeapGuard(this.resources.memory, this.resources.alarms);
    this.vhosts = new VirtualHosts({
      pages,
      events: this.events,
      exchangeTypes: this.#exchangeTypes,
      logger,
      clock,
      delayed: this.#delayed,
      store,
      profile,
      queueMax,
      vhostMax,
      defaultQueueType,
      exchangeMax,
      bindingMax,
      heap,
      tracer,
      messageSizes: this.messageSizes,
      deaths: this.deaths,
      nodeName: options.nodeName,
      deadLetters: {
        isShort: () => this.resources.alarms.lowOnMemory,
        max: options.deadLetterMax,
      },
    });
    try {
      const reset = store && new DurableReset(store);
      if (reset?.begun) {
        logger.log("warning", "a reset did not come to its end: the rest of it is done now");
        reset.forget();
      }
      const vhosts = this.#startVhosts();
      const openFirst = () => openUsers({ ...options, events: this.events, store, vhosts });
      this.#logins = new Logins({
        ...options,
        openUsers: openFirst,
        hashing: options.passwordHashing,
        timeoutMs: options.handshakeTimeoutMs,
        observer: () => this.entrance.users,
        events: this.events,
      });
      this.entrance = new Entrance({
        options,
        vhosts: this.vhosts,
        resources: this.resources,
        heap,
        logins: this.#logins,
      });
      const { defaultUser, authenticator } = options;
      const said = [store, defaultUser, authenticator].some((one) => one !== undefined);
      // whatever is wrong with them is to be heard of now
      if (said) this.#logins.make();
      reset?.end();
    } catch (error) {
      this.#opened?.close();
      throw error;
    }
    this.resources.start();
    this.#changes = new Changes(store);
    const admitsGuest = () => this.operator.users.admitsGuest();
    this.listeners = new Listeners({ options, entrance: this.entrance, admitsGuest });
    this.serving = new Serving({
      listeners: this.listeners,
      entrance: this.entrance,
      vhosts: this.vhosts,
      changes: this.#changes,
      logger,
    });
  }

  /** What operators can do; made when the first of them does something. */
  get operator(): Operations {
    return this.#operator ??= operations({
      vhosts: this.vhosts,
      connections: this.entrance.connections,
      users: this.#logins.users,
      authenticator: this.#logins.authenticator,
      admitsUsers: this.#logins.admitsUsers,
      changes: this.#changes,
      passwordHashing: this.options.passwordHashing,
      logger: this.#logger,
    });
  }

  /** Makes the vhosts that there are to begin with, and gives their names. In one of them it tells of
   * itself. */
  #startVhosts(): string[] {
    const { vhosts, defaultUser } = this.options;
    this.vhosts.start(vhosts, (vhost) => {
      this.#logger.publishTo(vhost);
      this.#stopTelling?.();
      this.#stopTelling = publishEvents(vhost, this.events);
    }, defaultUser?.vhost);
    return [...this.vhosts].map(({ name }) => name);
  }

  /** While the store cannot take all that comes, nobody may publish. */
  #storeChanged(state: StoreState): void {
    const { alarms } = this.resources;
    if (state === "open") alarms.clear("store");
    else if (state === "full") alarms.raise("store", { reason: "the disk is full" });
    else {
      const told = "it cannot be written";
      alarms.raise("store", { reason: told, told });
    }
  }

  /** Tells of the broker itself. */
  describe(): NodeInfo {
    return describeNode({
      options: this.options,
      resources: this.resources,
      startedAt: this.#startedAt,
      exchangeTypes: this.#exchangeTypes.names(),
      authMechanisms: this.entrance.mechanisms,
    });
  }

  /** Forgets everything, and begins anew. `Broker` tells what that means. */
  reset(): Promise<void> {
    return this.serving.whileStopped("reset", async () => {
      // before anything is forgotten, since it may take some tenths of a second
      const password = await firstPassword(this.options, hashPassword);
      await resetBroker({
        vhosts: this.vhosts,
        users: this.#logins.users,
        changes: this.#changes,
        store: this.#opened?.store,
        beginAnew: () => {
          const vhosts = this.#startVhosts();
          beginUsers(this.#logins.users, { ...this.options, vhosts }, password);
        },
      });
      this.#logger.log("warning", "reset: all that there was is forgotten");
    });
  }

  /** Ends all of it: nobody is let in any more from now on, then connections go, and the store is last. */
  async close(): Promise<void> {
    this.#changes.end();
    this.#delayed.close();
    this.entrance.closeLogins();
    await Promise.all([this.listeners.close(), this.#logins.close()]);
    try {
      await this.entrance.close();
    } finally {
      this.vhosts.stop();
      this.resources.stop();
      this.#pageMoves?.stop();
      this.#sparsePages.stop();
      await this.#opened?.close();
    }
  }
}

import { AmqpError } from "../../broker/amqp/error.ts";
import { basicQos } from "../../broker/amqp/methods/basic.ts";
import type { ChannelCore } from "../channel_core.ts";
import type { ClientEvents } from "../client_events.ts";
import { type Home, LastingChannel } from "./lasting_channel.ts";
import { ERROR_HEADER } from "./rpc_options.ts";
import { Reply, SentReplies } from "./sent_replies.ts";

/**
 * The channel that the replies of a server go out on. It is not the one that its requests come on: a
 * broker refuses a reply, such as one that is too large, by closing the channel, and with that one the
 * server would be gone, its queue if that goes with its last consumer, and all requests in it.
 *
 * What a broker refuses, its caller is told instead of its reply; what was sent behind it is sent again.
 */
export class ReplyChannel {
  #lasting!: LastingChannel;
  readonly #sent = new SentReplies();
  /** To be sent on the next channel, before anything else. */
  #again: Reply[] = [];
  #away: PromiseWithResolvers<void> | undefined;
  readonly #events: ClientEvents;
  #closing: Promise<void> | undefined;

  private constructor(events: ClientEvents) {
    this.#events = events;
  }

  /** Opens it. */
  static async open(home: Home, queue: string, signal?: AbortSignal): Promise<ReplyChannel> {
    const channel = new ReplyChannel(home.events);
    channel.#lasting = await LastingChannel.open(home, {
      what: `replies of queue ${queue}`,
      setUp: () => Promise.resolve(),
      opened: (core) => channel.#opened(core),
      lost: (reason) => channel.#lost(reason),
      ended: () => channel.#goOn(),
    }, signal);
    return channel;
  }

  /**
   * Sends a reply. A promise only when there is something to wait for; while there is no connection the
   * reply is dropped, and its request will come again.
   *
   * @param requests The channel that its request came on.
   */
  send(reply: Reply, requests: ChannelCore): Promise<void> | undefined {
    const { core } = this.#lasting;
    if (core?.isOpen && this.#again.length === 0) return this.#send(core, reply);
    // without requests of its connection, the connection is lost
    return requests.isOpen ? this.#sendLater(reply, requests) : undefined;
  }

  /** Closes it when those whose replies are refused have been told; without a connection, at once. */
  async close(): Promise<void> {
    await (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const unwatch = this.#events.on("lost", () => this.#goOn());
    while (this.#isBusy) {
      const { core } = this.#lasting;
      if (core?.isOpen && this.#again.length === 0) await this.#ask(core).catch(() => {});
      else await this.#change();
    }
    unwatch();
    await this.#lasting.close();
  }

  /** True while the broker may still refuse something, or has to be told something instead. */
  get #isBusy(): boolean {
    const { isClosed, isReconnecting } = this.#lasting;
    return !isClosed && !isReconnecting && this.#sent.length + this.#again.length > 0;
  }

  async #sendLater(reply: Reply, requests: ChannelCore): Promise<void> {
    reply.wait();
    while (this.#again.length > 0 || !this.#lasting.core?.isOpen) {
      if (this.#lasting.isClosed) return;
      await Promise.race([this.#change(), requests.closed]);
      if (!requests.isOpen) return;
    }
    await this.#send(this.#lasting.core, reply);
  }

  #send(core: ChannelCore, reply: Reply): Promise<void> | undefined {
    try {
      return this.#publish(core, reply);
    } catch (error) {
      // such as properties that are fine one by one, and fit no frame together
      return reply.isLast ? undefined : this.#send(core, refusalOf(reply, error as Error));
    }
  }

  #publish(core: ChannelCore, reply: Reply): Promise<void> | undefined {
    const { publishing, connection: { outgoing, tracing } } = core;
    const { replyTo, properties, body } = reply;
    const traced = tracing?.send("", replyTo, properties, body);
    const content = outgoing.take(body, false);
    const publish = (properties: Reply["properties"]) =>
      publishing.publish("", replyTo, false, false, properties, content);
    const room = traced === undefined
      ? publish(properties)
      : traced.whole(() => publish(traced.properties));
    // in process it may have been refused by now, which is looked at later
    this.#sent.add(reply);
    if (this.#sent.asks) this.#ask(core).catch(() => {});
    // it was sent: when the channel ends before there is room, what becomes of it is seen to there
    return room?.catch(() => {});
  }

  /** Nothing tells that a reply was taken, but what comes after it was. */
  async #ask(core: ChannelCore): Promise<void> {
    const asked = this.#sent.asking();
    const taken = () => this.#sent.taken(asked);
    await core.ask(basicQos({ prefetchCount: 0 }), ["basic.qos-ok"], taken);
  }

  /** Nothing but replies is sent on it: what the broker closes it for is one of them. */
  #lost(reason: Error): boolean {
    if (!(reason instanceof AmqpError) || reason.hard) {
      this.#sent.end();
      this.#again = [];
      return false;
    }
    const { refused, unseen } = this.#sent.refused(reason);
    const told = refused.filter(({ isLast }) => !isLast).map((reply) => refusalOf(reply, reason));
    this.#again = [...told, ...unseen, ...this.#again];
    return refused.length > 0;
  }

  #opened(core: ChannelCore): void {
    const again = this.#again;
    this.#again = [];
    for (const [index, reply] of again.entries()) {
      this.#send(core, reply);
      if (core.isOpen) continue;
      // in process it is refused at once
      this.#again.push(...again.slice(index + 1));
      return;
    }
    this.#goOn();
  }

  /** Resolves when there is a channel again, or none is waited for any more. */
  #change(): Promise<void> {
    return (this.#away ??= Promise.withResolvers()).promise;
  }

  #goOn(): void {
    this.#away?.resolve();
    this.#away = undefined;
  }
}

/** What a caller is told of a reply that cannot be sent: with nothing in it that may be why. */
function refusalOf({ replyTo, properties: { correlationId } }: Reply, error: Error): Reply {
  const properties = {
    ...(correlationId === undefined ? {} : { correlationId }),
    headers: { [ERROR_HEADER]: error.name },
    contentType: "text/plain",
  };
  return new Reply(`Cannot send the reply: ${error.message}`, properties, replyTo, true);
}

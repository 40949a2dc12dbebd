import {
  channelOpen,
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
} from "../../broker/amqp/methods/mod.ts";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import type { Tuning } from "../../broker/amqp/tuning.ts";
import { Broker } from "../../broker/broker.ts";
import type { BrokerServer } from "../../broker/server.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type DialOptions, MemoryNetwork } from "../support/memory_network.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { freshTurn, type StandingTime } from "../support/standing_time.ts";
import { turns } from "../support/turns.ts";

/** What a client says in its handshake, as far as a test cares. */
export interface ClientOptions extends DialOptions {
  readonly tuning?: Partial<Tuning>;
  readonly capabilities?: FieldTable;
  readonly response?: Uint8Array;
  readonly virtualHost?: string;
}

/** What pika and most others announce. */
export const CAPABILITIES: FieldTable = {
  authentication_failure_close: true,
  consumer_cancel_notify: true,
};

/** A broker served on a network of its own, with a clock that stands still and a log to read. */
export class ServedBroker implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly network = new MemoryNetwork();
  readonly broker: Broker;
  readonly #peers: RawPeer[] = [];
  readonly #time: StandingTime | undefined;
  #server: BrokerServer | undefined;

  private constructor(options: BrokerOptions, time: StandingTime | undefined) {
    this.#time = time;
    // tests count timers, and these run as long as there are connections
    const [consumerTimeoutMs, writeTimeoutMs, readTimeoutMs] = [0, 0, 0];
    this.broker = new Broker({
      clock: this.clock,
      logger: this.logger,
      consumerTimeoutMs,
      writeTimeoutMs,
      readTimeoutMs,
      ...options,
    });
  }

  /** Starts one; what it does at a stretch is the same on every machine, since no time passes. */
  static async start(options: BrokerOptions = {}): Promise<ServedBroker> {
    return await ServedBroker.#start(options, await freshTurn());
  }

  /** Starts one that is to notice how long its work takes. */
  static startTimed(options: BrokerOptions = {}): Promise<ServedBroker> {
    return ServedBroker.#start(options, undefined);
  }

  static async #start(
    options: BrokerOptions,
    time: StandingTime | undefined,
  ): Promise<ServedBroker> {
    const served = new ServedBroker(options, time);
    served.#server = await served.broker.listen({ port: 0 });
    return served;
  }

  /** The port of the network. */
  get port(): number {
    return this.#server!.port;
  }

  /** A client that has said nothing yet; it is closed at the end. */
  dial(options: DialOptions = {}): RawPeer {
    const peer = new RawPeer(this.network.dial(this.port, options));
    this.#peers.push(peer);
    return peer;
  }

  /** A client that has logged in and opened channel 1. */
  async login(options: ClientOptions = {}): Promise<RawPeer> {
    const peer = this.dial(options);
    await logIn(peer, options);
    return peer;
  }

  /** Closes the clients, then the broker; fails when a timer is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.close();
    await this.broker.close();
    this.network[Symbol.dispose]();
    this.#time?.[Symbol.dispose]();
    if (this.clock.timers > 0) throw new Error(`${this.clock.timers} timers are left`);
  }
}

/** Goes through the handshake and opens channel 1. */
export async function logIn(peer: RawPeer, options: ClientOptions = {}): Promise<void> {
  await sendStartOk(peer, options);
  const offered = await peer.expect(0, "connection.tune");
  await peer.send(0, connectionTuneOk({ ...offered, heartbeat: 0, ...options.tuning }));
  await peer.send(0, connectionOpen({ virtualHost: options.virtualHost ?? "/" }));
  await peer.expect(0, "connection.open-ok");
  await peer.send(1, channelOpen());
  await peer.expect(1, "channel.open-ok");
}

/** Sends the protocol header and, after `connection.start`, a login. */
export async function sendStartOk(
  peer: RawPeer,
  options: {
    readonly capabilities?: FieldTable;
    readonly mechanism?: string;
    readonly response?: Uint8Array;
  } = {},
): Promise<void> {
  await peer.sendBytes(PROTOCOL_HEADER);
  await peer.expect(0, "connection.start");
  const { capabilities = CAPABILITIES, mechanism = "PLAIN" } = options;
  const response = options.response ?? plainResponse({ username: "guest", password: "guest" });
  await peer.send(
    0,
    connectionStartOk({ clientProperties: { capabilities }, mechanism, response, locale: "en_US" }),
  );
}

/** Lets what is under way arrive: it needs microtasks, and now and then a link lets others have their turn. */
export async function settle(): Promise<void> {
  await turns(3);
}

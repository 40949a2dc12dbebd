import { connectOver } from "../../client/open.ts";
import type { Channel, Connection, ConnectOptions } from "../../client/mod.ts";
import { resolveOptions } from "../../client/options.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { memoryTransports } from "../support/memory_transport.ts";
import { RawPeer } from "../support/raw_peer.ts";

/** A client that is logging in to a broker that a test plays. */
export function dialScript(options: ConnectOptions = {}): {
  readonly connecting: Promise<Connection>;
  readonly peer: RawPeer;
  readonly clock: ManualClock;
} {
  const clock = new ManualClock();
  const [ours, theirs] = memoryTransports();
  const peer = new RawPeer(theirs);
  const connecting = connectOver(ours, resolveOptions({ clock, ...options }));
  return { connecting, peer, clock };
}

/** A client that is connected to a broker that a test plays, with channel 1 open. */
export class Scripted implements AsyncDisposable {
  readonly connection: Connection;
  readonly channel: Channel;
  readonly peer: RawPeer;
  readonly clock: ManualClock;

  constructor(connection: Connection, channel: Channel, peer: RawPeer, clock: ManualClock) {
    this.connection = connection;
    this.channel = channel;
    this.peer = peer;
    this.clock = clock;
  }

  static async open(
    options: ConnectOptions & { readonly heartbeat?: number } = {},
  ): Promise<Scripted> {
    const { heartbeat = 0, ...rest } = options;
    const { connecting, peer, clock } = dialScript(rest);
    await peer.acceptClient({ heartbeat });
    const connection = await connecting;
    const [channel] = await Promise.all([connection.openChannel(), peer.acceptChannel()]);
    return new Scripted(connection, channel, peer, clock);
  }

  /** Drops the stream, whatever state it is in, and waits until the client has noticed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
    await this.connection.closed;
  }
}

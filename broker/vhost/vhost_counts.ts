import { ChannelCounts } from "../stats.ts";

/** A connection, as far as it is summed up. */
export interface SummedConnection {
  /** The last sum of its vhost that it is in. */
  summedIn: number;
  /** How many bytes came and went; undefined: from within this process. */
  readonly network: {
    readonly traffic: { readonly bytesRead: number; readonly bytesWritten: number };
  } | undefined;
}

/** What went through a vhost. */
export class VhostSum {
  /** On its channels. */
  readonly counts: ChannelCounts = new ChannelCounts();
  /** Bytes that came. */
  recvOct = 0;
  /** Bytes that went. */
  sendOct = 0;

  /** Adds what a connection had. */
  addTraffic({ network }: Pick<SummedConnection, "network">): void {
    this.recvOct += network?.traffic.bytesRead ?? 0;
    this.sendOct += network?.traffic.bytesWritten ?? 0;
  }

  /** Adds another one. */
  add({ counts, recvOct, sendOct }: VhostSum): void {
    this.counts.add(counts);
    this.recvOct += recvOct;
    this.sendOct += sendOct;
  }
}

/**
 * What went through channels and connections that are gone.
 *
 * Those that are there are added when somebody wants to know all of it. That may take several turns, in
 * which more of them go: each is in the sum once, whether it is met first or goes first.
 */
export class VhostCounts {
  readonly #gone = new VhostSum();
  #sum: VhostSum | undefined;
  /** The number of the last sum. */
  #round = 0;

  /** What those had that are gone by now. */
  get gone(): VhostSum {
    return this.#gone;
  }

  /** Begins a sum. One is ended before the next begins. */
  begin(): void {
    this.#round++;
    this.#sum = new VhostSum();
    this.#sum.add(this.#gone);
  }

  /** What has come to it, when everything that is there was met. */
  end(): VhostSum {
    const sum = this.#sum!;
    this.#sum = undefined;
    return sum;
  }

  /** A channel is met on the way. */
  meetChannel(counts: ChannelCounts): void {
    if (counts.summedIn >= this.#round) return;
    counts.summedIn = this.#round;
    this.#sum?.counts.add(counts);
  }

  /** A connection is met on the way. */
  meetConnection(connection: SummedConnection): void {
    if (connection.summedIn === this.#round) return;
    connection.summedIn = this.#round;
    this.#sum?.addTraffic(connection);
  }

  /** A channel goes. */
  channelGoes(counts: ChannelCounts): void {
    this.#gone.counts.add(counts);
    if (this.#sum !== undefined) this.meetChannel(counts);
    // its connection may have it for a while yet
    counts.summedIn = Infinity;
  }

  /** A connection goes. */
  connectionGoes(connection: SummedConnection): void {
    this.#gone.addTraffic(connection);
    if (this.#sum !== undefined) this.meetConnection(connection);
  }
}

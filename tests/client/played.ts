import type { ByteStream } from "../../broker/amqp/transport.ts";
import { basicAck, basicConsumeOk, basicQosOk } from "../../broker/amqp/methods/basic.ts";
import { channelCloseOk, channelOpenOk } from "../../broker/amqp/methods/channel.ts";
import { confirmSelectOk } from "../../broker/amqp/methods/confirm.ts";
import { connectionClose, connectionCloseOk } from "../../broker/amqp/methods/connection.ts";
import { connect, type Connection } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { memoryTransports } from "../support/memory_transport.ts";
import { RawPeer } from "../support/raw_peer.ts";

/** What becomes of a message: it is confirmed, or nothing is said about it, or the connection is closed
 * for it by 501. */
export type Answer = "confirm" | "nothing" | "end";

/** A message that came, and on which connection, of which there is the first. */
export interface Arrival {
  readonly text: string;
  readonly connection: number;
}

/**
 * A broker that a test plays over as many connections as its client makes: it opens channels and lets
 * consume, and what it does to messages is up to the test.
 */
export class PlayedBroker implements AsyncDisposable {
  readonly clock = new ManualClock();
  /** What came so far. */
  readonly arrivals: Arrival[] = [];
  /** Decides what becomes of a message, by its body. Default: it is confirmed. */
  answer: (text: string) => Answer = () => "confirm";
  /** Decides whether a channel is opened, by how many of this connection were before. Default: it is. */
  opens: (before: number) => boolean = () => true;
  connection!: Connection;
  /** How many connections were made. */
  connections = 0;
  readonly #running: Promise<void>[] = [];

  /** Starts one, with a client that makes its connection anew as soon as the test waits for something. */
  static async open(): Promise<PlayedBroker> {
    const played = new PlayedBroker();
    played.connection = await connect({
      clock: played.clock,
      recovery: { initialDelayMs: 1, maxDelayMs: 1 },
      heartbeatSeconds: 0,
      // deno-lint-ignore require-await -- others take time
      dial: async () => played.#dialled(),
    });
    return played;
  }

  /** Waits until something is so; connections that were lost are made anew meanwhile. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.connection.state === "reconnecting") this.clock.advance(1);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** Lets happen what is on its way. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round++) await new Promise((done) => setTimeout(done, 0));
  }

  /** The bodies that came on the connections from this one on. */
  texts(connection = 1): string[] {
    return this.arrivals.filter((one) => one.connection >= connection).map(({ text }) => text);
  }

  #dialled(): ByteStream {
    const [ours, theirs] = memoryTransports();
    this.#running.push(this.#play(new RawPeer(theirs), ++this.connections).catch(() => {}));
    return ours;
  }

  async #play(peer: RawPeer, connection: number): Promise<void> {
    await peer.acceptClient();
    const tags = new Map<number, number>();
    let channels = 0;
    for (let next = await peer.next(); next !== undefined; next = await peer.next()) {
      const { channel, method, text } = next;
      switch (method.name) {
        case "channel.open":
          if (this.opens(channels++)) await peer.send(channel, channelOpenOk());
          break;
        case "confirm.select":
          tags.set(channel, 0);
          await peer.send(channel, confirmSelectOk());
          break;
        case "basic.consume":
          await peer.send(channel, basicConsumeOk({ consumerTag: "replies" }));
          break;
        case "basic.qos":
          await peer.send(channel, basicQosOk());
          break;
        case "channel.close":
          await peer.send(channel, channelCloseOk());
          break;
        case "connection.close":
          await peer.send(0, connectionCloseOk());
          break;
        case "connection.close-ok":
          return peer.close();
        case "basic.publish": {
          const deliveryTag = (tags.get(channel) ?? 0) + 1;
          tags.set(channel, deliveryTag);
          this.arrivals.push({ text, connection });
          const answer = this.answer(text);
          if (answer === "confirm") await peer.send(channel, basicAck({ deliveryTag }));
          else if (answer === "end") {
            const replyText = "FRAME_ERROR - as a test says";
            await peer.send(0, connectionClose({ replyCode: 501, replyText }));
          }
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
    await Promise.all(this.#running);
  }
}

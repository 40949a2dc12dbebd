import type { ByteStream } from "../../broker/amqp/transport.ts";
import {
  basicAck,
  basicConsumeOk,
  basicDeliver,
  basicQosOk,
} from "../../broker/amqp/methods/basic.ts";
import { channelCloseOk, channelOpenOk } from "../../broker/amqp/methods/channel.ts";
import { confirmSelectOk } from "../../broker/amqp/methods/confirm.ts";
import { connectionClose, connectionCloseOk } from "../../broker/amqp/methods/connection.ts";
import { queueDeclareOk } from "../../broker/amqp/methods/queue.ts";
import { connect, type Connection } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { memoryTransports } from "../support/memory_transport.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { turns } from "../support/turns.ts";

/** What becomes of a message: it is confirmed, or it is taken and nothing is said about it, or it is not
 * even taken, and what comes after it on its channel neither, or the connection is closed for it by 501. */
export type Answer = "confirm" | "nothing" | "hang" | "end";

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
  /** The body of a request that is delivered to whoever consumes the queue `requests`. */
  request: string | undefined;
  connection!: Connection;
  /** This end of the latest connection. */
  peer!: RawPeer;
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
    await turns(10);
  }

  /** Closes the latest connection as if for something that was sent on it. */
  async end(): Promise<void> {
    const replyText = "FRAME_ERROR - as a test says";
    await this.peer.send(0, connectionClose({ replyCode: 501, replyText }));
  }

  /** The bodies that came on the connections from this one on. */
  texts(connection = 1): string[] {
    return this.arrivals.filter((one) => one.connection >= connection).map(({ text }) => text);
  }

  #dialled(): ByteStream {
    const [ours, theirs] = memoryTransports();
    this.peer = new RawPeer(theirs);
    this.#running.push(this.#play(this.peer, ++this.connections).catch(() => {}));
    return ours;
  }

  async #play(peer: RawPeer, connection: number): Promise<void> {
    await peer.acceptClient();
    const tags = new Map<number, number>();
    const hanging = new Set<number>();
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
          await peer.send(channel, basicConsumeOk({ consumerTag: method.queue }));
          if (method.queue === "requests" && this.request !== undefined) {
            const delivery = {
              consumerTag: method.queue,
              deliveryTag: 1,
              routingKey: method.queue,
            };
            const properties = { replyTo: "caller", correlationId: "1" };
            await peer.send(channel, basicDeliver(delivery), { properties, body: this.request });
          }
          break;
        case "queue.declare":
          await peer.send(channel, queueDeclareOk({ queue: method.queue }));
          break;
        case "basic.qos":
          if (!hanging.has(channel)) await peer.send(channel, basicQosOk());
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
          else if (answer === "hang") hanging.add(channel);
          else if (answer === "end") await this.end();
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
    await Promise.all(this.#running);
  }
}

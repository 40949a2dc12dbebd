import { assert } from "@std/assert";
import type { Broker, Connection } from "../../mod.ts";

/** So often it has to go round while long work is done, or that was one long turn. */
const ROUNDS_MIN = 3;

/** A message that goes round: it shows that others go on while long work is done. */
export class GoingMessage implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #queue: string;
  readonly #ended = Promise.withResolvers<void>();
  #going = true;
  #rounds = 0;

  private constructor(connection: Connection, queue: string) {
    this.#connection = connection;
    this.#queue = queue;
  }

  /**
   * Sets it off.
   *
   * @param queue Where it goes round. Default: a queue of its own.
   */
  static async start(broker: Broker, queue?: string): Promise<GoingMessage> {
    const connection = await broker.connect();
    const channel = await connection.openChannel();
    const going = new GoingMessage(connection, queue ?? (await channel.queueDeclare()).queue);
    const publish = () => channel.basicPublish({ routingKey: going.#queue }, "again");
    await channel.basicConsume(going.#queue, { noAck: true }, () => {
      going.#rounds++;
      if (going.#going) setTimeout(publish);
      else going.#ended.resolve();
    });
    await publish();
    return going;
  }

  /** Does something. How often it went round meanwhile is enough, or this rejects. */
  async during<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#rounds;
    const result = await work();
    const rounds = this.#rounds - before;
    assert(rounds > ROUNDS_MIN, `${what}: messages went round ${rounds} times meanwhile`);
    return result;
  }

  /** Waits until it has stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#going = false;
    await this.#ended.promise;
    await this.#connection.close();
  }
}

import { connect } from "../../client/connect.ts";
import type { Channel } from "../../client/channel.ts";
import type { Connection } from "../../client/connection.ts";

/** Messages that are published before their confirms are waited for. */
const WINDOW = 10;
/** How long it does nothing then. */
const PAUSE_MS = 5;

/** What became of a well-behaved client's messages. */
export interface Account {
  /** Published and confirmed. */
  readonly confirmed: number;
  /** Consumed and acked, each once and in order. */
  readonly consumed: number;
  /** How long windows of messages took to be confirmed, in milliseconds, in no order. */
  readonly latencies: readonly number[];
}

/**
 * A client that publishes with confirms and consumes what it publishes, and knows what must come. Its
 * connection does not recover: what ends it is a failure.
 */
export class WellBehaved {
  readonly #connection: Connection;
  readonly #publishing: Channel;
  readonly #exchange: string;
  readonly #key: string;
  /** 2 where what is published is kept on disk. */
  readonly #deliveryMode: number;
  readonly #latencies: number[] = [];
  #confirmed = 0;
  #consumed = 0;
  #failure: Error | undefined;
  #caughtUp: (() => void) | undefined;

  private constructor(
    connection: Connection,
    publishing: Channel,
    { exchange, key, durable }: {
      readonly exchange: string;
      readonly key: string;
      readonly durable: boolean;
    },
  ) {
    this.#connection = connection;
    this.#publishing = publishing;
    this.#exchange = exchange;
    this.#key = key;
    this.#deliveryMode = durable ? 2 : 1;
  }

  /**
   * Connects; odd ones publish through a topic exchange.
   *
   * @param durable True when its queue and messages are to be kept on disk.
   */
  static async start(port: number, index: number, durable: boolean): Promise<WellBehaved> {
    const connection = await connect(`amqp://guest:guest@127.0.0.1:${port}?heartbeat=0`, {
      recovery: false,
    });
    const [publishing, consuming] = [
      await connection.openChannel(),
      await connection.openChannel(),
    ];
    await publishing.confirmSelect();
    const queue = `${WELL_BEHAVED}-${index}`;
    await consuming.queueDeclare(queue, { exclusive: true, durable });
    const exchange = index % 2 === 0 ? "" : `${WELL_BEHAVED}-exchange`;
    if (exchange !== "") {
      await consuming.exchangeDeclare(exchange, "topic");
      await consuming.queueBind({ queue, exchange, routingKey: `${queue}.#` });
    }
    const key = exchange === "" ? queue : `${queue}.some.thing`;
    const client = new WellBehaved(connection, publishing, { exchange, key, durable });
    await consuming.basicQos({ prefetchCount: 100 });
    await consuming.basicConsume(queue, {}, (delivery) => {
      client.#take(delivery.text());
      delivery.ack();
    });
    return client;
  }

  /** Publishes until it is told to stop; then waits for what has still to come, and closes. */
  async run(goOn: () => boolean): Promise<Account> {
    while (goOn()) {
      const started = performance.now();
      for (let count = 0; count < WINDOW; count++) {
        const body = bodyOf(this.#confirmed + count);
        await this.#publishing.basicPublish(
          {
            exchange: this.#exchange,
            routingKey: this.#key,
            mandatory: true,
            properties: { deliveryMode: this.#deliveryMode },
          },
          body,
        );
      }
      await this.#publishing.waitForConfirms();
      this.#confirmed += WINDOW;
      this.#latencies.push(performance.now() - started);
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    if (this.#consumed < this.#confirmed) {
      await new Promise<void>((resolve) => this.#caughtUp = resolve);
    }
    await this.#connection.close();
    if (this.#failure !== undefined) throw this.#failure;
    return {
      confirmed: this.#confirmed,
      consumed: this.#consumed,
      latencies: this.#latencies,
    };
  }

  #take(body: string): void {
    const expected = bodyOf(this.#consumed);
    if (body !== expected) {
      this.#failure ??= new Error(
        `Cannot account for a message: ${body.slice(0, 20)} came instead of ${
          expected.slice(0, 20)
        }`,
      );
    }
    this.#consumed++;
    if (this.#consumed >= this.#confirmed) this.#caughtUp?.();
  }
}

/** What names of well-behaved clients begin with. */
export const WELL_BEHAVED = "well-behaved";

function bodyOf(index: number): string {
  return `${index} ${"x".repeat(index % 500)}`;
}

import { Broker } from "../../broker/broker.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import { connect } from "../../client/connect.ts";
import type { Channel } from "../../client/channel.ts";
import type { Connection } from "../../client/connection.ts";

/** A broker whose options the test has chosen, and a way to it. */
export class Way implements AsyncDisposable {
  readonly broker: Broker;
  /** Makes one more connection. */
  readonly connect: () => Promise<Connection>;

  private constructor(broker: Broker, connect: () => Promise<Connection>) {
    this.broker = broker;
    this.connect = connect;
  }

  /** From the same process. */
  // deno-lint-ignore require-await -- as the other
  static async inProcess(this: void, options: BrokerOptions): Promise<Way> {
    const broker = new Broker(options);
    return new Way(broker, () => broker.connect());
  }

  /** Through a socket. */
  static async overTcp(this: void, options: BrokerOptions): Promise<Way> {
    const broker = new Broker(options);
    const { port } = await broker.listen({ port: 0 });
    return new Way(broker, () => connect({ hostname: "127.0.0.1", port, recovery: false }));
  }

  /** A channel on a connection of its own. */
  async openChannel(): Promise<Channel> {
    return await (await this.connect()).openChannel();
  }

  /** Closes the broker, and all connections with it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.broker.close();
  }
}

/** Makes a test of each way. */
export function testEachWay(
  name: string,
  options: BrokerOptions,
  run: (way: Way) => Promise<void>,
): void {
  for (const [how, open] of [["in process", Way.inProcess], ["over TCP", Way.overTcp]] as const) {
    Deno.test(`${name}, ${how}`, async () => {
      await using way = await open(options);
      await run(way);
    });
  }
}

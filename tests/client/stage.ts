import {
  Broker,
  type BrokerServer,
  type ClientEventMap,
  type ClientEventName,
  connect,
  type Connection,
  type ConnectOptions,
} from "../../mod.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

/** A broker behind a proxy that can be cut, and a client whose connection is made anew at once. */
export class Stage implements AsyncDisposable {
  readonly broker = new Broker();
  readonly server: BrokerServer;
  readonly proxy: TcpProxy;
  readonly connection: Connection;

  private constructor(
    server: BrokerServer,
    proxy: TcpProxy,
    connection: Connection,
    broker: Broker,
  ) {
    this.server = server;
    this.proxy = proxy;
    this.connection = connection;
    this.broker = broker;
  }

  static async open(options: ConnectOptions = {}): Promise<Stage> {
    const broker = new Broker();
    const server = await broker.listen({ port: 0 });
    const proxy = new TcpProxy(server.port);
    const connection = await connect({
      hostname: "127.0.0.1",
      port: proxy.port,
      recovery: { initialDelayMs: 0 },
      ...options,
    });
    return new Stage(server, proxy, connection, broker);
  }

  /** Cuts the connection and waits until it is there again. */
  async cut(): Promise<void> {
    const recovered = next(this.connection, "recovered");
    this.proxy.cut();
    await recovered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
    await this.proxy[Symbol.asyncDispose]();
    await this.broker.close();
  }
}

/** The next event of a name. */
export function next<Name extends ClientEventName>(
  connection: Connection,
  name: Name,
): Promise<ClientEventMap[Name]> {
  return new Promise((resolve) => {
    const end = connection.on(name, (fields) => {
      end();
      resolve(fields);
    });
  });
}

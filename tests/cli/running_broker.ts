import { manage } from "../../broker/management/mod.ts";
import { runCommand } from "../../broker/cli/commands.ts";
import { Broker, type BrokerServer, type Connection } from "../../mod.ts";
import { type RecordingOptions, RecordingTerminal } from "./recording_terminal.ts";

/** How a command ended, and what it printed. */
export interface CommandEnded {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A broker that is served with its management API, both on free ports, for commands of this process. */
export class RunningBroker implements AsyncDisposable {
  readonly broker: Broker;
  readonly server: BrokerServer;
  /** Where the management API is. */
  readonly url: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    broker: Broker,
    server: BrokerServer,
    url: string,
    owned: AsyncDisposableStack,
  ) {
    this.broker = broker;
    this.server = server;
    this.url = url;
    this.#owned = owned;
  }

  static async start(): Promise<RunningBroker> {
    const owned = new AsyncDisposableStack();
    const broker = owned.use(new Broker({ passwordHashing: "rabbitmq-sha256" }));
    const server = owned.use(await broker.listen({ port: 0 }));
    const management = owned.use(manage(broker));
    const { url } = owned.use(await management.serve({ port: 0 }));
    return new RunningBroker(broker, server, url, owned);
  }

  /** The environment by which commands find it. */
  get env(): Record<string, string> {
    return { WARREN_URL: this.url, WARREN_AMQP_URL: `amqp://127.0.0.1:${this.server.port}` };
  }

  /** A terminal in which commands find it. */
  terminal(options: RecordingOptions = {}): RecordingTerminal {
    return new RecordingTerminal({ ...options, env: { ...this.env, ...options.env } });
  }

  /** Runs a command of the program. */
  async run(...args: readonly string[]): Promise<CommandEnded> {
    return await ended(args, this.terminal());
  }

  /** The same with standard input. */
  async runWith(input: string, ...args: readonly string[]): Promise<CommandEnded> {
    return await ended(args, this.terminal({ input }));
  }

  /** Runs a command as rabbitmqctl's. */
  async ctl(...args: readonly string[]): Promise<CommandEnded> {
    return await this.run("rabbitmqctl", ...args);
  }

  /** Gives it two queues, of which one has three messages, and a binding. */
  async furnish(): Promise<void> {
    await using connection: Connection = await this.broker.connect();
    const channel = await connection.openChannel();
    await channel.exchangeDeclare("ex", "topic", { durable: true });
    await channel.queueDeclare("orders", { durable: true, arguments: { "x-max-length": 100 } });
    await channel.queueDeclare("a\tb");
    await channel.queueBind({ queue: "orders", exchange: "ex", routingKey: "a.*" });
    for (let count = 0; count < 3; count++) {
      await channel.basicPublish({ routingKey: "orders" }, `order ${count}`);
    }
    await connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

/** Runs a command in a terminal; tells what was printed there. */
export async function ended(
  args: readonly string[],
  terminal: RecordingTerminal,
): Promise<CommandEnded> {
  const code = await runCommand(args, terminal);
  const stderr = terminal.complained.map((line) => `${line}\n`).join("");
  return { code, stdout: terminal.output, stderr };
}

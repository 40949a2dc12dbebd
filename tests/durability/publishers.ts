import { connect, PublishNackedError } from "../../mod.ts";
import { BackgroundProcess } from "../interop/background_process.ts";
import { type Runtime, RUNTIMES, UnavailableError } from "../interop/runtimes.ts";

/** Longer than any message in these tests takes. */
const PATIENCE_MS = 60_000;
const WINDOW = 20;

/** What a publisher is to do. */
export interface Work {
  /** The broker's port. */
  readonly port: number;
  /** The durable queue that it declares and publishes to. */
  readonly queue: string;
  /** The number of its first message; the next ones follow. A body begins with its number. */
  readonly first: number;
  /** Size of a body in bytes. */
  readonly size: number;
}

/** A client that publishes with confirms until its broker is gone. */
export abstract class Publisher {
  /** Numbers of the messages that were confirmed. */
  readonly confirmed: Set<number> = new Set();
  /** How many were refused. */
  nacked = 0;
  /** The reasons with which it was blocked so far. */
  readonly blocked: string[] = [];
  /** How often it was unblocked. */
  unblocked = 0;
  #onChange: () => void = () => {};

  /** Resolves when the broker is gone and nothing comes any more. */
  abstract readonly gone: Promise<unknown>;

  /** Waits until something is so. */
  async until(what: string, holds: (publisher: this) => boolean): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`${this.describe()}: ${what} does not come`)),
      PATIENCE_MS,
    );
    try {
      while (!holds(this)) {
        await Promise.race([new Promise<void>((change) => this.#onChange = change), late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** For messages of failures. */
  describe(): string {
    return `${this.constructor.name}, ${this.confirmed.size} confirmed, ${this.nacked} nacked, ` +
      `blocked ${this.blocked.length} times`;
  }

  protected changed(): void {
    this.#onChange();
  }
}

/** Makes a publisher of one kind. */
export type StartPublisher = (work: Work) => Publisher;

/** Our own client. */
export function startOurs(work: Work): Publisher {
  return new OwnPublisher(work);
}

class OwnPublisher extends Publisher {
  readonly gone: Promise<unknown>;

  constructor(work: Work) {
    super();
    this.gone = this.#publish(work).catch(() => "the broker is gone");
  }

  async #publish({ port, queue, first, size }: Work): Promise<void> {
    await using connection = await connect({ hostname: "127.0.0.1", port, recovery: false });
    connection.onBlocked = (reason) => {
      this.blocked.push(reason);
      this.changed();
    };
    connection.onUnblocked = () => {
      this.unblocked++;
      this.changed();
    };
    const channel = await connection.openChannel();
    await channel.queueDeclare(queue, { durable: true });
    await channel.confirmSelect();
    let next = first;
    const publishForEver = async () => {
      for (;;) {
        const number = next++;
        const body = `${number}:`.padEnd(size, ".");
        try {
          await channel.basicPublish({ routingKey: queue, properties: { deliveryMode: 2 } }, body);
          this.confirmed.add(number);
        } catch (error) {
          if (!(error instanceof PublishNackedError)) throw error;
          this.nacked++;
        }
        this.changed();
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, publishForEver));
  }
}

/** Those of other people that can be had on this machine, by name; `missing` tells of the others. */
export async function otherPublishers(
  missing: (name: string, reason: string) => void,
): Promise<Map<string, StartPublisher>> {
  const programs = new Map([["pika", "publisher.py"], ["node", "publisher.mjs"]]);
  const found = new Map<string, StartPublisher>();
  for (const runtime of RUNTIMES) {
    const program = programs.get(runtime.client);
    if (program === undefined) continue;
    try {
      await runtime.prepare();
      found.set(runtime.client, (work) => new OtherPublisher(runtime, program, work));
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      missing(runtime.client, error.message);
    }
  }
  return found;
}

class OtherPublisher extends Publisher {
  readonly gone: Promise<unknown>;
  readonly #process: BackgroundProcess;
  #read = 0;

  constructor(runtime: Runtime, program: string, { port, queue, first, size }: Work) {
    super();
    const path = new URL(`clients/${program}`, import.meta.url).pathname;
    const [command, ...args] = runtime.command;
    this.#process = new BackgroundProcess({
      command: command!,
      args: [...args, path, ...[port, queue, first, size].map(String)],
      env: runtime.env,
      onOutput: () => this.#readLines(),
    });
    this.gone = this.#process.ended;
  }

  #readLines(): void {
    const { output } = this.#process;
    const end = output.lastIndexOf("\n") + 1;
    for (const line of output.slice(this.#read, end).split("\n")) {
      const [what, ...rest] = line.split(" ");
      if (what === "confirmed") this.confirmed.add(Number(rest[0]));
      else if (what === "nacked") this.nacked++;
      else if (what === "blocked") this.blocked.push(rest.join(" "));
      else if (what === "unblocked") this.unblocked++;
    }
    this.#read = end;
    this.changed();
  }

  override describe(): string {
    return `${super.describe()}: ...${this.#process.output.slice(-300)}`;
  }
}

import { Broker, type BrokerOptions } from "../../mod.ts";
import { exposeMetrics } from "../../broker/prometheus/mod.ts";

/** What Prometheus would read: names with their labels, and values. */
export class Values {
  readonly all: ReadonlyMap<string, number>;

  constructor(text: string) {
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    this.all = new Map(lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }));
  }

  get(name: string): number | undefined {
    return this.all.get(name);
  }

  pick(...names: readonly string[]): (number | undefined)[] {
    return names.map((name) => this.all.get(name));
  }
}

/** A broker with its metrics, both in this process. */
export class ExposedBroker implements AsyncDisposable {
  readonly broker: Broker;
  readonly #metrics;

  constructor(options: BrokerOptions = {}) {
    this.broker = new Broker({ passwordHashing: "rabbitmq-sha256", ...options });
    this.#metrics = exposeMetrics(this.broker);
  }

  ask(path: string, method = "GET"): Promise<Response> {
    return this.#metrics.handle(new Request(`http://localhost:15692${path}`, { method }));
  }

  async text(path: string): Promise<string> {
    const response = await this.ask(path);
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    return await response.text();
  }

  async values(path: string): Promise<Values> {
    return new Values(await this.text(path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#metrics[Symbol.dispose]();
    await this.broker.close();
  }
}

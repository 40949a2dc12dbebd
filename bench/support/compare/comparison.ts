// deno-lint-ignore-file no-console -- part of programs: they say what they measure
import { Blast, checkReceived } from "./blast.ts";
import { type ComparedBroker, startBrokers } from "./brokers.ts";
import type { BrokerLoad } from "./loads.ts";
import { untilQuiet } from "./quiet.ts";
import type { Results } from "./results.ts";
import type { RunOptions } from "./run_options.ts";

/** Before a load is measured it runs for so long: brokers that compile as they run need some time for
 * each kind of load. */
const WARM_SECS = 2;

/** The brokers, running, and the load generator. */
export class Comparison implements AsyncDisposable {
  readonly #blast: Blast;
  readonly #brokers: readonly ComparedBroker[];
  readonly #owned: AsyncDisposableStack;
  #isNeverIdle = false;

  private constructor(
    blast: Blast,
    brokers: readonly ComparedBroker[],
    owned: AsyncDisposableStack,
  ) {
    this.#blast = blast;
    this.#brokers = brokers;
    this.#owned = owned;
  }

  /** Builds and starts all that is installed; undefined, said why, when nothing can be measured. */
  static async start(): Promise<Comparison | undefined> {
    await using stack = new AsyncDisposableStack();
    const blast = await Blast.build();
    if (blast === undefined) {
      console.log("blast: skipped, rustc is not installed, and with it all that goes over TCP");
      return undefined;
    }
    stack.use(blast);
    const brokers = await startBrokers(stack);
    if (!brokers.some(({ name }) => name === "RabbitMQ")) {
      console.log("RabbitMQ: skipped, it is not installed");
    }
    console.log("LavinMQ: skipped, there is no package of it that this program could run");
    return new Comparison(blast, brokers, stack.move());
  }

  /** Versions by broker. */
  get versions(): Record<string, string> {
    const known = this.#brokers.filter(({ version }) => version !== "");
    return Object.fromEntries(known.map(({ name, version }) => [name, version]));
  }

  /** Runs every load on every broker, in turn, round after round. Returns how many runs failed. */
  async run(
    loads: readonly BrokerLoad[],
    { rounds, secs }: Omit<RunOptions, "wanted">,
    results: Results,
  ): Promise<number> {
    let failures = 0;
    for (let round = 1; round <= rounds; round++) {
      for (const load of loads) {
        for (const broker of this.#inTurn(round)) {
          if (broker.ceiling !== undefined && broker.ceiling !== load.ceiling) continue;
          const what = `round ${round}, ${load.name}, ${broker.name}`;
          if (!await this.#measure(what, broker, load, secs, results)) failures++;
        }
      }
    }
    return failures;
  }

  async #measure(
    what: string,
    broker: ComparedBroker,
    load: BrokerLoad,
    secs: number,
    results: Results,
  ): Promise<boolean> {
    try {
      await this.#waitUntilQuiet();
      const report = await this.#blast.run(broker.port, [
        `warm=${WARM_SECS}`,
        `secs=${secs}`,
        ...load.args,
      ]);
      if (load.copies > 0) checkReceived(report, load.copies);
      for (const { of, unit } of load.figures) {
        results.add(load.name, unit, broker.name, report[of]);
        console.log(`${what}: ${report[of].toLocaleString("en")} ${unit}`);
      }
      return true;
    } catch (error) {
      console.log(`${what}: failed: ${error instanceof Error ? error.message : error}`);
      return false;
    }
  }

  /** For what brokers do after a load; not on a machine that has never done with it. */
  async #waitUntilQuiet(): Promise<void> {
    if (this.#isNeverIdle) return;
    this.#isNeverIdle = !await untilQuiet();
    if (!this.#isNeverIdle) return;
    console.log("the machine does not become idle: ratios will wobble");
  }

  /** Each round begins with another broker. */
  #inTurn(round: number): readonly ComparedBroker[] {
    const first = round % this.#brokers.length;
    return [...this.#brokers.slice(first), ...this.#brokers.slice(0, first)];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

import { type Blast, checkReceived } from "../compare/blast.ts";
import { startWarren } from "../compare/brokers.ts";
import { type BlastReport, type BrokerLoad, brokerLoads } from "../compare/loads.ts";
import { IN_PROCESS_VARIANTS, inProcessRate, inProcessTitle } from "../in_process.ts";
import { ROUTING_LOADS } from "../routing_loads.ts";

/** Before it is measured a broker has so long to have its code compiled. */
const WARM_SECS = 2;
/** What counts of a load that somebody gave, the first that is not 0. */
const FIGURES = ["confirmed_per_s", "received_per_s", "sent_per_s"] as const;

/** What one measurement found. */
export interface Figure {
  readonly unit: string;
  readonly value: number;
}

/** Something to measure the files of a directory by. */
export interface LoadOfTree {
  /** For people. */
  readonly name: string;
  /** Measures them once, in a process that is started for it. */
  readonly measure: (directory: string) => Promise<readonly Figure[]>;
}

/** The loads of `compare.ts` over TCP, each on a broker that is started for it. */
export function servedLoads(blast: Blast, secs: number): LoadOfTree[] {
  return brokerLoads(secs).map((load) => ({
    name: load.name,
    measure: (directory) => measureServed(blast, directory, load, secs),
  }));
}

/** One that somebody gave as arguments of `blast`. */
export function givenLoad(blast: Blast, args: readonly string[], secs: number): LoadOfTree {
  const measure = async (directory: string) => {
    const report = await runServed(blast, directory, args, secs);
    const of = FIGURES.find((name) => report[name] > 0) ?? "sent_per_s";
    return [{ unit: of.replace("_per_s", "/s"), value: report[of] }];
  };
  return { name: args.join(" "), measure };
}

/** The loads of `compare.ts` in process, each in a process of its own. */
export function inProcessLoads(secs: number): LoadOfTree[] {
  return ROUTING_LOADS.flatMap((load) =>
    IN_PROCESS_VARIANTS.filter(({ newKeys }) => !newKeys || load.newKeyCopies > 0)
      .map((variant) => ({
        name: inProcessTitle(load, variant),
        measure: async (directory) => {
          const value = await inProcessRate(directory, load, variant, secs);
          return [{ unit: "messages/s", value }];
        },
      }))
  );
}

async function measureServed(
  blast: Blast,
  directory: string,
  { args, figures, copies }: BrokerLoad,
  secs: number,
): Promise<Figure[]> {
  const report = await runServed(blast, directory, args, secs);
  if (copies > 0) checkReceived(report, copies);
  return figures.map(({ of, unit }) => ({ unit, value: report[of] }));
}

async function runServed(
  blast: Blast,
  directory: string,
  args: readonly string[],
  secs: number,
): Promise<BlastReport> {
  await using stack = new AsyncDisposableStack();
  const { port } = await startWarren(stack, { directory });
  return await blast.run(port, [`warm=${WARM_SECS}`, `secs=${secs}`, ...args]);
}

import type { ClientFigures } from "./client_worker.ts";
import { median, type Spread, spreadOf } from "./compare/results.ts";

/** A client and what its rounds were like; the first of several is ours. */
export interface Row {
  readonly client: string;
  readonly rounds: readonly ClientFigures[];
}

const rateOf = ({ messages, seconds }: ClientFigures) => messages / seconds;
const cpuOf = ({ messages, cpuSeconds }: ClientFigures) => cpuSeconds / messages * 1e6;
const bytesOf = ({ messages, allocated }: ClientFigures) => allocated / messages;

/** Messages a second, and CPU a message, beside ours of the same round. */
export function table(load: string, rows: readonly Row[]): string {
  const [ours, ...others] = rows;
  const besideOurs = (rounds: readonly ClientFigures[], figure: (of: ClientFigures) => number) =>
    rounds.map((figures, round) => figure(figures) / figure(ours!.rounds[round]!));
  const beside = others.map(({ client, rounds }) => {
    const rates = besideOurs(rounds, rateOf);
    return {
      client,
      rate: spreadOf(rates),
      cpu: spreadOf(besideOurs(rounds, cpuOf)),
      ahead: rates.filter((ratio) => ratio < 1).length,
    };
  });
  const first = place(beside.every(({ rate }) => rate.median <= 1));
  const firstOfCpu = place(beside.every(({ cpu }) => cpu.median >= 1));
  const ratios = [{ rate: "1.00", cpu: "1.00" }].concat(
    beside.map(({ rate, cpu }) => ({ rate: tell(rate), cpu: tell(cpu) })),
  );
  const lines = rows.map(({ client, rounds }, index) => {
    const rate = Math.round(median(rounds.map(rateOf)));
    const cpu = median(rounds.map(cpuOf)).toFixed(1);
    return `| ${client} | ${rate} | ${ratios[index]!.rate} | ${cpu} | ${ratios[index]!.cpu} |`;
  });
  const { length } = ours!.rounds;
  return [
    `${load}: Warren is ${first}, by CPU ${firstOfCpu}; ahead of ${
      beside.map(({ client, ahead }) => `${client} in ${ahead}`).join(", ")
    } of ${length} rounds`,
    "",
    "| client | messages/s | of Warren's (middle half of the rounds) | µs of CPU a message | of Warren's |",
    "| --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

function place(isFirst: boolean): string {
  return isFirst ? "first" : "not first";
}

function tell({ median, low, high }: Spread): string {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** Where all run on Deno: what a message costs in CPU and in bytes that are allocated for it. */
export function tableOnDeno(load: string, rows: readonly Row[]): string {
  const figures = rows.map(({ client, rounds }) => ({
    client,
    cpu: median(rounds.map(cpuOf)),
    bytes: median(rounds.map(bytesOf)),
  }));
  const [ours, ...others] = figures;
  const places = (["cpu", "bytes"] as const).map((key) =>
    `${key} ${place(others.every((other) => other[key] >= ours![key]))}`
  );
  return [
    `${load}, all on Deno: Warren's ${places.join(", ")}`,
    "",
    "| client | µs of CPU a message | bytes allocated a message | of Warren's |",
    "| --- | --- | --- | --- |",
    ...figures.map(({ client, cpu, bytes }) =>
      `| ${client} | ${cpu.toFixed(1)} | ${Math.round(bytes)} | ${
        (bytes / ours!.bytes).toFixed(2)
      } |`
    ),
    "",
  ].join("\n");
}

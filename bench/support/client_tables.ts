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

/** Messages a second beside ours of the same round, and CPU. */
export function table(load: string, rows: readonly Row[]): string {
  const [ours, ...others] = rows;
  const beside = others.map(({ client, rounds }) => ({
    client,
    ratio: spreadOf(rounds.map((figures, round) => rateOf(figures) / rateOf(ours!.rounds[round]!))),
    ahead: rounds.filter((figures, round) => rateOf(ours!.rounds[round]!) > rateOf(figures)).length,
  }));
  const first = beside.every(({ ratio }) => ratio.median <= 1) ? "first" : "not first";
  const ratios = ["1.00", ...beside.map(({ ratio }) => tell(ratio))];
  const lines = rows.map(({ client, rounds }, index) => {
    const rate = Math.round(median(rounds.map(rateOf)));
    const cpu = median(rounds.map(cpuOf)).toFixed(1);
    return `| ${client} | ${rate} | ${ratios[index]} | ${cpu} |`;
  });
  const { length } = ours!.rounds;
  return [
    `${load}: Warren is ${first}; ahead of ${
      beside.map(({ client, ahead }) => `${client} in ${ahead}`).join(", ")
    } of ${length} rounds`,
    "",
    "| client | messages/s | of Warren's (middle half of the rounds) | µs of CPU a message |",
    "| --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
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
    `${key} ${others.every((other) => other[key] >= ours![key]) ? "first" : "not first"}`
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

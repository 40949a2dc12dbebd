const KIB = 1024;
/** Those of `rabbitmqctl`, where `M` is `MiB`. */
const CONTROL_SIZES: readonly (readonly [unit: string, bytes: number])[] = [
  ["", 1],
  ["B", 1],
  ["kB", 1000],
  ["KB", 1000],
  ["MB", 1000 ** 2],
  ["GB", 1000 ** 3],
  ["k", KIB],
  ["kiB", KIB],
  ["KiB", KIB],
  ["M", KIB ** 2],
  ["MiB", KIB ** 2],
  ["G", KIB ** 3],
  ["GiB", KIB ** 3],
];
const CONTROL_UNITS = new Map(CONTROL_SIZES);

/** As RabbitMQ's configuration has them, since 3.13 also such as `Mi`, `TB` and `gb`. A letter alone is a
 * power of 1024, as before 3.13, which makes it one of 1000. */
export const SIZES: ReadonlyMap<string, number> = new Map([
  ...["k", "m", "g", "t", "p"].flatMap((prefix, index) => variants(prefix, index + 1)),
  ...CONTROL_SIZES,
]);

function variants(small: string, power: number): readonly (readonly [string, number])[] {
  const large = small.toUpperCase();
  const decimal = ["B", "b"].flatMap((end) => [small + end, large + end]);
  const binary = ["i", "iB", "ib", "IB"].flatMap((end) => [small + end, large + end]);
  return [
    ...decimal.map((unit) => [unit, 1000 ** power] as const),
    ...binary.map((unit) => [unit, KIB ** power] as const),
  ];
}

/** Reads a size of `rabbitmqctl`, such as `2GB`, in bytes; undefined when it is none. */
export function readByteSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = CONTROL_UNITS.get(unit ?? "?");
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** Bytes in billions, as status says them. */
export function gigabytes(bytes: unknown): string {
  const value = typeof bytes === "number" ? bytes / 1e9 : 0;
  const text = `${Math.round(value * 1e4) / 1e4}`;
  return `${text.includes(".") ? text : `${text}.0`} gb`;
}

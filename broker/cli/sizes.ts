const KIB = 1024;
/** As RabbitMQ's configuration has them, where `M` is `MiB`. */
export const SIZES: ReadonlyMap<string, number> = new Map([
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
]);

/** Reads a size such as `2GB`, in bytes; undefined when it is none. */
export function readByteSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d+)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = SIZES.get(unit ?? "?");
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** Bytes in billions, as status says them. */
export function gigabytes(bytes: unknown): string {
  const value = typeof bytes === "number" ? bytes / 1e9 : 0;
  const text = `${Math.round(value * 1e4) / 1e4}`;
  return `${text.includes(".") ? text : `${text}.0`} gb`;
}

/** Numbers, sizes and times as people read them. */

const WHOLE = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A number with its thousands apart. */
export function full(value: number): string {
  return WHOLE.format(value);
}

/** A number with its thousands apart; nothing known is a dash. */
export function count(value: number | undefined): string {
  return value === undefined ? "–" : full(value);
}

/** A number that has to be short: `12.3K`. */
export function short(value: number): string {
  return Math.abs(value) < 10_000 ? WHOLE.format(Math.round(value)) : SHORT.format(value);
}

/** How many each second. */
export function rate(value: number | undefined): string {
  if (value === undefined) return "–";
  if (value === 0) return "0/s";
  if (value < 10) return `${value.toFixed(1)}/s`;
  return `${short(value)}/s`;
}

/** A size in bytes. */
export function bytes(value: number | undefined): string {
  if (value === undefined) return "–";
  let [size, unit] = [value, 0];
  while (Math.abs(size) >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

/** How long, in milliseconds, to the two largest units. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** A moment, in milliseconds since 1970. */
export function moment(time: number): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** The name of an exchange; one has none. */
export function exchangeName(name: string): string {
  return name === "" ? "(default)" : name;
}

/** A value in words: what an object says, one after the other; of what is true only the name. */
export function words(value: unknown): string {
  if (typeof value !== "object" || value === null) return inline(value);
  if (Array.isArray(value)) return value.map(words).join(", ");
  return Object.entries(value)
    .map(([name, one]) => one === true ? name : `${name}: ${inline(one)}`)
    .join(", ");
}

/** A value on one line, as JSON unless it is a text. */
export function inline(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

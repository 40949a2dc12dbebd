import { isPropertyName } from "../broker/amqp/properties.ts";
import { describe, EncodeError, fitsShortString } from "../broker/amqp/field_value.ts";

/**
 * Checks a text that travels as a short string, before anything is sent: in process nothing would be
 * encoded, and the same call must fail the same way there.
 *
 * @param value The text.
 * @param name What it is, for the error.
 * @returns The text as it arrives: well-formed.
 * @throws {TypeError} When it is no string or takes more than 255 octets.
 */
export function checkShortString(value: string, name: string): string {
  if (typeof value !== "string") {
    throw new EncodeError(`Cannot encode ${name}: ${describe(value)} is not a string`);
  }
  if (!fitsShortString(value)) {
    throw new EncodeError(`Cannot encode ${name}: text takes more than 255 octets`);
  }
  return value.toWellFormed();
}

/**
 * Checks a whole number of a method.
 *
 * @param value The number.
 * @param max The largest that its field can hold.
 * @param name What it is, for the error.
 * @returns The number.
 * @throws {RangeError} When it is not a whole number from 0 to `max`.
 */
export function checkInteger(value: number, max: number, name: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  const shown = typeof value === "number" ? value : describe(value);
  throw new RangeError(`Cannot encode ${name}: ${shown} is not a whole number from 0 to ${max}`);
}

/**
 * Checks a bit of a method: what is not true or false would be one of them all the same.
 *
 * @param value The bit.
 * @param name What it is.
 * @param verb What it is for.
 * @returns The bit.
 * @throws {TypeError} When it is neither.
 */
export function checkFlag(value: boolean, name: string, verb: string): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`Cannot ${verb}: ${name} is ${describe(value)}, not true or false`);
}

/** The names of all options of a kind, and which of them are true or false, so that the compiler tells
 * which are missing. */
export type OptionNames<Options> = {
  readonly [Name in keyof Options]-?: [NonNullable<Options[Name]>] extends [boolean] ? "flag"
    : true;
};

/**
 * Checks that options are ones that there are: what is misspelt would otherwise do nothing. Flags must be
 * true or false: `"false"` would be true.
 *
 * @param options What was given.
 * @param names What there is.
 * @param verb What they are for.
 * @throws {TypeError} When there is no such option; it says what there is instead. When a flag is none.
 */
export function checkOptions<Options extends object>(
  options: Options,
  names: OptionNames<Options>,
  verb: string,
): void {
  if (!isRecord(options)) throw noOptions(options, names, verb);
  for (const name in options) {
    if (Object.hasOwn(names, name)) {
      if (names[name] === "flag" && options[name] !== undefined) {
        checkFlag(options[name] as boolean, name, verb);
      }
      continue;
    }
    throw new TypeError(`Cannot ${verb}: there is no option "${name}"${instead(name, names)}`);
  }
  const { signal } = options as { readonly signal?: unknown };
  if (signal !== undefined && !isSignal(signal)) {
    const hint = signal instanceof AbortController ? "; give the controller's `signal`" : "";
    throw new TypeError(
      `Cannot ${verb}: signal is ${describe(signal)}, not an AbortSignal${hint}`,
    );
  }
}

/** Tells whether a value has fields by name: what a promise that nobody awaited, a map or a list says would be
 * without effect. */
export function isRecord(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Object.getPrototypeOf(value) === Object.prototype) return true;
  // a class of its user's may have them too, by whatever name, and so has a module
  if (Object.prototype.toString.call(value) === "[object Object]") return true;
  return !Array.isArray(value) && !ArrayBuffer.isView(value) && Object.keys(value).length > 0;
}

/**
 * Checks properties of which a part is used, or that are used later on.
 *
 * @throws {EncodeError} When they are no object that has any.
 */
export function checkProperties(properties: unknown, verb: string): void {
  if (properties === undefined || properties === null || isRecord(properties)) return;
  throw new EncodeError(`Cannot ${verb}: properties are ${describe(properties)}, not an object`);
}

/** By what it can do: one may come from another realm. */
function isSignal(value: unknown): boolean {
  return typeof value === "object" && value !== null && "aborted" in value &&
    "addEventListener" in value;
}

/**
 * Checks what is called later on: then nobody could tell any more who gave it.
 *
 * @param value What was given.
 * @param name What it is.
 * @param verb What it is for.
 * @throws {TypeError} When it is no function.
 */
export function checkFunction(value: unknown, name: string, verb: string): void {
  if (typeof value === "function") return;
  throw new TypeError(`Cannot ${verb}: ${name} is ${describe(value)}, not a function`);
}

/** The error for what is no object of options, such as the flags and names by position of other clients. */
function noOptions(options: unknown, names: object, verb: string): TypeError {
  const known = Object.keys(names).join(", ");
  return new TypeError(
    `Cannot ${verb}: options are ${describe(options)}, not an object; there are ${known}`,
  );
}

/** What other clients have options for, by their plain names, and where it is here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  persistent: "properties: { deliveryMode: 2 }",
  cc: 'properties: { headers: { CC: ["key"] } }',
  bcc: 'properties: { headers: { BCC: ["key"] } }',
  messagettl: 'arguments: { "x-message-ttl": milliseconds }',
  expires: 'arguments: { "x-expires": milliseconds }',
  maxlength: 'arguments: { "x-max-length": messages }',
  maxpriority: 'arguments: { "x-max-priority": 10 }',
  overflow: 'arguments: { "x-overflow": "reject-publish" }',
  queuetype: 'arguments: { "x-queue-type": "quorum" }',
  deadletterexchange: 'arguments: { "x-dead-letter-exchange": name }',
  deadletterroutingkey: 'arguments: { "x-dead-letter-routing-key": key }',
  alternateexchange: 'arguments: { "alternate-exchange": name }',
  args: "arguments: { … }",
};

function instead(name: string, names: object): string {
  const plain = name.replaceAll(/[^a-z]/gi, "").toLowerCase();
  const known = Object.keys(names);
  const meant = known.find((one) => one.toLowerCase() === plain);
  if (meant !== undefined) return `, it is called "${meant}"`;
  const elsewhere = ELSEWHERE[plain];
  if (elsewhere !== undefined && known.includes(elsewhere.split(":", 1)[0]!)) {
    return `; write ${elsewhere}`;
  }
  if (name.startsWith("x-") && known.includes("arguments")) return "; it goes into `arguments`";
  if (isPropertyName(name) && known.includes("properties")) return "; it goes into `properties`";
  return `, only ${known.join(", ")}`;
}

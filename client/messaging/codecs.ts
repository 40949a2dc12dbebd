import { copyOf } from "../../broker/amqp/byte_ranges.ts";
import { describe, EncodeError } from "../../broker/amqp/field_value.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";
import { CodecError } from "../errors.ts";
import { checkFunction } from "../fields.ts";

/** A body that is decompressed may become so large, in bytes, unless somebody says otherwise. */
const DECODED_MAX = 128 * 1024 * 1024;

const ENCODINGS: ReadonlySet<string> = new Set(["gzip", "deflate"]);
/** Content encodings that change nothing; some clients put the charset there. */
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set([
  "",
  "identity",
  "binary",
  "utf-8",
  "utf8",
  "us-ascii",
]);

/**
 * Makes bytes of values and values of bytes, for one content type.
 *
 * @example A codec of one's own
 * ```ts
 * import { Broker, type Codec } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * const numbers: Codec = {
 *   contentType: "application/x-numbers",
 *   encode: (value) => new Uint8Array(Float64Array.from(value as number[]).buffer),
 *   decode: (bytes) => [...new Float64Array(bytes.slice().buffer)],
 * };
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * await (await connection.openChannel()).queueDeclare("measurements");
 * const codecs = [numbers];
 * await using publisher = await connection.publisher({ routingKey: "measurements", codecs });
 * await publisher.publish([0.5, 2], { properties: { contentType: "application/x-numbers" } });
 * for await (const message of await connection.consumer({ queue: "measurements", codecs })) {
 *   assertEquals(message.body, [0.5, 2]);
 *   message.ack();
 *   break;
 * }
 * ```
 */
export interface Codec {
  /** Content type that it is for, without parameters, in whatever case; `text/*` for all of a kind. */
  readonly contentType: string;
  /**
   * Makes a body of a value.
   *
   * @param value What was published.
   * @param properties The message's.
   */
  encode(value: unknown, properties: BasicProperties): Uint8Array | string;
  /**
   * Makes a value of a body.
   *
   * @param bytes The body, decompressed; they are the message's own.
   * @param properties The message's.
   */
  decode(bytes: Uint8Array<ArrayBuffer>, properties: BasicProperties): unknown;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** JSON, in UTF-8. */
const json: Codec = {
  contentType: "application/json",
  encode(value) {
    const text = stringify(value);
    if (text === undefined) throw new TypeError(`JSON has no ${describe(value)}`);
    const isSound = typeof value === "object" && value !== null && !mayLose(value, 0);
    const lost = isSound ? undefined : findLost(value);
    if (lost !== undefined) throw new TypeError(`JSON has no ${lost}; ${ADVICE}`);
    return text;
  },
  decode: (bytes) => JSON.parse(decoder.decode(bytes)),
};

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    if (cause instanceof TypeError && cause.message.includes("BigInt")) {
      throw new TypeError("JSON has no bigint; write it as a string, or as a number", { cause });
    }
    throw cause;
  }
}

const ADVICE = "publish a Uint8Array, a string, an array or a plain object";

/** Things of which JSON makes `{}`, one that was not awaited among them; not every runtime has them all.
 * They are looked up when somebody asks first, since the runtime loads some of them then, for 2 ms. */
let withoutJson: readonly unknown[] | undefined;
const WITHOUT_JSON = [
  "ArrayBuffer",
  "SharedArrayBuffer",
  "Promise",
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "WeakRef",
  "Blob",
  "ReadableStream",
  "RegExp",
  "Error",
  "Headers",
  "FormData",
  "URLSearchParams",
];

/** Plain values are seldom deeper than this; one that contains itself, behind a `toJSON`, is. */
const DEPTH_MAX = 50;

/**
 * False when JSON has all of a value. For plain objects and arrays that is told at a quarter of what making
 * the JSON costs; {@linkcode findLost} alone costs as much as that. True is no verdict.
 *
 * Asking for the constructor costs half of what asking for the prototype does, and one that lies is found
 * by what its object inherits, which is enumerated too. What takes no call is written out twice: with a
 * call for each value it costs a third more.
 */
function mayLose(value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const element = value[index];
      if (typeof element === "object") {
        if (element !== null && (depth === DEPTH_MAX || mayLose(element, depth + 1))) return true;
      } else if (typeof element === "number") {
        if (!Number.isFinite(element)) return true;
      } else if (typeof element === "function" || typeof element === "symbol") return true;
    }
    return false;
  }
  if (value.constructor !== Object) return findLost(value) !== undefined;
  for (const key in value) {
    const property = (value as Record<string, unknown>)[key];
    if (typeof property === "object") {
      if (property !== null && (depth === DEPTH_MAX || mayLose(property, depth + 1))) return true;
    } else if (typeof property === "number") {
      if (!Number.isFinite(property)) return true;
    } else if (typeof property === "function" || typeof property === "symbol") return true;
  }
  return false;
}

/** What JSON left out, wrote as if there were nothing in it, or as an object of its bytes, however deep it
 * is: named. Properties that are undefined are left out by everybody. The text does not tell what is
 * missing in it, so each value is looked at. */
function findLost(value: unknown): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `${value}`;
  if (typeof value === "function" || typeof value === "symbol") return describe(value);
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) {
    for (const element of value) {
      const lost = findLost(element);
      if (lost !== undefined) return lost;
    }
    return undefined;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if (value instanceof Date ? isNaN(value.getTime()) : isWithoutJson(value)) {
      return describe(value);
    }
  }
  // it says itself what its JSON is
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === "function") return undefined;
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue;
    const lost = findLost((value as Record<string, unknown>)[key]);
    if (lost !== undefined) return lost;
  }
  return undefined;
}

/** One with properties of its own, such as an error with a code, keeps those. */
function isWithoutJson(value: object): boolean {
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === "function") return false;
  if (ArrayBuffer.isView(value)) return true;
  withoutJson ??= WITHOUT_JSON
    .map((name) => (globalThis as Readonly<Record<string, unknown>>)[name])
    .filter((type) => typeof type === "function");
  return withoutJson.some((type) => value instanceof (type as new () => object)) &&
    Object.keys(value).length === 0;
}

/** Text in the charset that the content type names, UTF-8 when it names none; written in UTF-8. */
const text: Codec = {
  contentType: "text/*",
  encode(value) {
    if (!isText(value)) throw new TypeError(`${describe(value)} is no text; publish a string`);
    return String(value);
  },
  decode(bytes, { contentType = "" }) {
    const charset = charsetOf(contentType);
    return charset === undefined
      ? decoder.decode(bytes)
      : new TextDecoder(charset, { fatal: true }).decode(bytes);
  },
};

/** True of what is one thing with a text of its own, such as a number or a URL: of others a text would
 * be `[object Object]`, or tell a part of them. */
function isText(value: unknown): boolean {
  if (typeof value !== "object") {
    return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
  }
  if (value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  const { toString } = value;
  return typeof toString === "function" && toString !== Object.prototype.toString;
}

function charsetOf(contentType: string): string | undefined {
  if (!contentType.includes(";")) return undefined;
  return /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1];
}

/** Texts go out in UTF-8: who reads one in the charset that its content type names must see the same. */
function checkCharset(text: string, contentType: string): void {
  const charset = charsetOf(contentType)?.toLowerCase();
  if (charset === undefined || charset === "utf-8" || charset === "utf8") return;
  if (charset === "us-ascii" && /^[\0-\x7f]*$/.test(text)) return;
  throw new CodecError(
    `Cannot encode body as ${contentType}: texts are sent in UTF-8; leave the charset out, or ` +
      `publish the bytes that it is in ${charset}`,
  );
}

function isBuiltIn(codec: Codec): boolean {
  return codec === json || codec === text;
}

/** A text in an encoding that nobody here knows is no text; a codec of one's own may know it. */
function checkEncoding(verb: "encode" | "decode", { contentEncoding }: BasicProperties): void {
  if (contentEncoding === undefined || ENCODINGS.has(contentEncoding)) return;
  if (typeof contentEncoding !== "string") throw noText("contentEncoding", contentEncoding);
  if (PLAIN_ENCODINGS.has(contentEncoding.toLowerCase())) return;
  throw new CodecError(
    `Cannot ${verb} body: no codec for content encoding ${contentEncoding}, only gzip and deflate; ` +
      "publish bytes that are encoded already, and give a codec that decodes them",
  );
}

/** The same words as for all other properties, which are looked at later. */
function noText(name: string, value: unknown): EncodeError {
  return new EncodeError(`Cannot encode property "${name}": ${describe(value)} is not a string`);
}

/** A body on its way out. */
export interface EncodedBody {
  readonly body: Uint8Array | string;
  readonly contentType: string | undefined;
}

/**
 * The codecs of one publisher or consumer, by content type: its own, then JSON and text. What has no
 * content type, or one that nobody knows, is bytes.
 */
export class Codecs {
  /** Takes every body for bytes. */
  static readonly none: Codecs = new class extends Codecs {
    override decode(bytes: Uint8Array<ArrayBuffer>): unknown {
      return bytes;
    }
  }();
  /** By the content types that they are for, in lower case. */
  readonly #codecs: readonly (readonly [contentType: string, codec: Codec])[];
  /** For values without a content type. */
  readonly #forValues: Codec;
  readonly #maxBytes: number;

  /**
   * @param codecs Codecs besides those for JSON and text.
   * @param maxBytes A body that is decompressed may become so large.
   * @throws {TypeError} When one is no codec.
   */
  constructor(codecs: readonly Codec[] = [], maxBytes = DECODED_MAX) {
    checkCodecs(codecs);
    this.#codecs = [...codecs, json, text].map((codec) => [codec.contentType.toLowerCase(), codec]);
    this.#forValues = this.#find(json.contentType)!;
    this.#maxBytes = maxBytes;
  }

  /**
   * Makes a body.
   *
   * @returns A promise only when it is to be compressed.
   * @throws {CodecError} When it cannot.
   */
  encode(value: unknown, properties: BasicProperties): EncodedBody | Promise<EncodedBody> {
    const encoded = this.encodePlain(value, properties);
    const format = compressionOf(properties);
    if (format === undefined) return encoded;
    const { body: plain } = encoded;
    return compress(typeof plain === "string" ? encoder.encode(plain) : plain, format)
      .then((body) => ({ ...encoded, body }));
  }

  /**
   * Makes a body that is not compressed yet. Bytes and texts are sent as they are, whatever their
   * content type; a text without one is `text/plain`, and anything else without one is
   * `application/json`.
   *
   * @throws {CodecError} When it cannot.
   */
  encodePlain(value: unknown, properties: BasicProperties): EncodedBody {
    const { contentType } = properties;
    if (contentType !== undefined && typeof contentType !== "string") {
      throw noText("contentType", contentType);
    }
    if (value instanceof Uint8Array) return { body: value, contentType };
    if (typeof value === "string") {
      checkEncoding("encode", properties);
      if (contentType !== undefined) checkCharset(value, contentType);
      return { body: value, contentType: contentType ?? "text/plain" };
    }
    const chosen = contentType ?? json.contentType;
    const codec = contentType === undefined ? this.#forValues : this.#find(contentType);
    if (codec === undefined) {
      throw new CodecError(
        `Cannot encode body: no codec for ${chosen}; give one in \`codecs\`, or publish bytes`,
      );
    }
    if (isBuiltIn(codec)) checkEncoding("encode", properties);
    let body: unknown;
    try {
      body = codec.encode(value, properties);
    } catch (cause) {
      throw new CodecError(`Cannot encode body as ${chosen}: ${textOf(cause)}`, { cause });
    }
    if (typeof body !== "string" && !(body instanceof Uint8Array)) {
      throw new CodecError(
        `Cannot encode body as ${chosen}: its codec made ${
          describe(body)
        } of it, not a Uint8Array ` +
          "or a string",
      );
    }
    if (contentType !== undefined && isBuiltIn(codec)) checkCharset(body as string, contentType);
    return { body, contentType: chosen };
  }

  /**
   * Makes the value that a body stands for.
   *
   * @returns A promise only when it is compressed.
   * @throws {CodecError} When it is not what its properties say.
   */
  decode(bytes: Uint8Array<ArrayBuffer>, properties: BasicProperties): unknown {
    const encoding = properties.contentEncoding;
    if (encoding === undefined || !ENCODINGS.has(encoding)) return this.#decode(bytes, properties);
    return transform(bytes, new DecompressionStream(encoding as CompressionFormat), this.#maxBytes)
      .catch((cause) => {
        throw new CodecError(`Cannot decode body as ${encoding}: ${textOf(cause)}`, { cause });
      })
      .then((plain) => this.#decode(plain, properties));
  }

  #decode(bytes: Uint8Array<ArrayBuffer>, properties: BasicProperties): unknown {
    const { contentType } = properties;
    const codec = contentType === undefined ? undefined : this.#find(contentType);
    if (codec === undefined) return bytes;
    if (isBuiltIn(codec)) checkEncoding("decode", properties);
    try {
      return codec.decode(bytes, properties);
    } catch (cause) {
      throw new CodecError(`Cannot decode body as ${contentType}: ${textOf(cause)}`, { cause });
    }
  }

  #find(contentType: string): Codec | undefined {
    const plain = contentType.split(";", 1)[0]!.trim().toLowerCase();
    const kind = `${plain.split("/", 1)[0]}/*`;
    return this.#codecs.find(([contentType]) => contentType === plain || contentType === kind)?.[1];
  }
}

/** Checks codecs: one without a content type, or with more than that, would never be asked. */
function checkCodecs(codecs: unknown): void {
  const refuse = (what: string) => new TypeError(`Cannot use codecs: ${what}`);
  if (!Array.isArray(codecs)) throw refuse(`they are ${describe(codecs)}, not an array`);
  for (const codec of codecs) {
    if (typeof codec !== "object" || codec === null) throw refuse(`one is ${describe(codec)}`);
    const { contentType, encode, decode } = codec;
    if (typeof contentType !== "string" || contentType === "") {
      throw refuse(`contentType is ${describe(contentType)}, not a content type`);
    }
    const plain = contentType.split(";", 1)[0]!.trim();
    if (plain !== contentType) {
      throw refuse(
        `contentType is ${JSON.stringify(contentType)}; write ${
          JSON.stringify(plain)
        }, which is for ` +
          "that with whatever parameters, and look at those in the properties",
      );
    }
    checkFunction(encode, "encode", `use codec for ${contentType}`);
    checkFunction(decode, "decode", `use codec for ${contentType}`);
  }
}

/** How the body of a message is to be compressed; undefined when it is not. */
export function compressionOf({ contentEncoding }: BasicProperties): CompressionFormat | undefined {
  return contentEncoding !== undefined && ENCODINGS.has(contentEncoding)
    ? contentEncoding as CompressionFormat
    : undefined;
}

/** Compresses a body; its bytes are copied before this returns. */
export function compress(
  bytes: Uint8Array,
  format: CompressionFormat,
): Promise<Uint8Array<ArrayBuffer>> {
  // a copy, since streams take neither shared buffers nor those that may be resized
  return transform(copyOf(bytes), new CompressionStream(format), Infinity);
}

async function transform(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
  max: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const source = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source.pipeThrough(stream)) {
    size += chunk.length;
    if (size > max) throw new RangeError(`it becomes larger than ${max} bytes`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

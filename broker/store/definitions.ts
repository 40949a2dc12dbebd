import { CHECKPOINT, DEFINITION_HEAD_SIZE } from "./records.ts";

/** What is kept together lies in buffers of this size. */
const BUFFER_SIZE = 4096;
/** More than this has a buffer of its own. */
const PACKED_MAX = 512;

/** Size of the longest key in bytes: its size has 16 bits. */
const KEY_MAX = 0xffff;

const ENCODER = new TextEncoder();

/** What can be looked up among definitions. */
export type KeptDefinitions = Pick<
  ReadonlyMap<string, Uint8Array>,
  "size" | "has" | "get" | "keys" | typeof Symbol.iterator
>;

/**
 * Definitions by key. Each is kept as a checkpoint has it, so that one of very many is a row of copies.
 * They share buffers: one of its own costs 300 bytes and more besides what is in it. A buffer stays for as
 * long as there is anything of what it holds.
 */
export class Definitions implements KeptDefinitions {
  private readonly _entries = new Map<string, Uint8Array>();
  private _buffer = new Uint8Array(0);
  private _used = 0;

  /** How many there are. */
  get size(): number {
    return this._entries.size;
  }

  /** True when there is one of this key. */
  has(key: string): boolean {
    return this._entries.has(key);
  }

  /** The value of a key. */
  get(key: string): Uint8Array | undefined {
    const entry = this._entries.get(key);
    return entry && valueOf(entry);
  }

  /** All keys. */
  keys(): MapIterator<string> {
    return this._entries.keys();
  }

  /** Keys and values. */
  *[Symbol.iterator](): MapIterator<[string, Uint8Array]> {
    for (const [key, entry] of this._entries) yield [key, valueOf(entry)];
  }

  /** All of them as a checkpoint has them. None of these ever changes. */
  entries(): Uint8Array[] {
    return [...this._entries.values()];
  }

  /**
   * Keeps a copy of a value, and gives what is kept as a checkpoint has it.
   *
   * @throws {RangeError} When the key takes more than 65 535 bytes.
   */
  set(key: string, value: Uint8Array): Uint8Array {
    const keyBytes = ENCODER.encode(key);
    if (keyBytes.length > KEY_MAX) {
      throw new RangeError("Cannot keep definition: its key is too long");
    }
    const entry = this._room(DEFINITION_HEAD_SIZE + keyBytes.length + value.length);
    entry[0] = CHECKPOINT.definition;
    entry[1] = keyBytes.length & 255;
    entry[2] = keyBytes.length >>> 8;
    for (let byte = 0; byte < 4; byte++) entry[3 + byte] = value.length >>> 8 * byte;
    entry.set(keyBytes, DEFINITION_HEAD_SIZE);
    entry.set(value, DEFINITION_HEAD_SIZE + keyBytes.length);
    this._entries.set(key, entry);
    return entry;
  }

  /** Keeps a copy of one as a checkpoint had it. */
  setEntry(key: string, entry: Uint8Array): void {
    const copy = this._room(entry.length);
    copy.set(entry);
    this._entries.set(key, copy);
  }

  /** Forgets one; false when there was none. */
  delete(key: string): boolean {
    return this._entries.delete(key);
  }

  /** Forgets all. */
  clear(): void {
    this._entries.clear();
  }

  private _room(size: number): Uint8Array {
    if (size > PACKED_MAX) return new Uint8Array(size);
    if (this._used + size > this._buffer.length) {
      this._buffer = new Uint8Array(BUFFER_SIZE);
      this._used = 0;
    }
    return this._buffer.subarray(this._used, this._used += size);
  }
}

/** Size of the key in an entry. */
function keySize(entry: Uint8Array): number {
  return entry[1]! | entry[2]! << 8;
}

/** The key of an entry, and the value behind it, as they follow one another. */
export function keyAndValue(entry: Uint8Array): { bytes: Uint8Array; keySize: number } {
  return { bytes: entry.subarray(DEFINITION_HEAD_SIZE), keySize: keySize(entry) };
}

function valueOf(entry: Uint8Array): Uint8Array {
  return entry.subarray(DEFINITION_HEAD_SIZE + keySize(entry));
}

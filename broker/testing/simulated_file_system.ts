/**
 * A directory in memory that behaves as badly as a disk may: it forgets what was not synced, tears
 * and reorders it, fails, and fills up. All that is random in it comes from a seed.
 *
 * @module
 */

import type { FileSystem, StoreFile, SyncCallback } from "../store/file_system.ts";

/** A file of this size gets a buffer that can grow. */
const LARGE = 1024 * 1024;
/** To at least this size. */
const RESERVED = 128 * LARGE;

/** A file system may lose writes in pieces of this size. */
const SECTOR = 512;

/** A number from 0 up to 1, as `Math.random`, but from a seed. */
export type Random = () => number;

/** Random numbers that are the same for the same seed. */
export function seededRandom(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 0x100000000;
  };
}

/** What a simulated disk does wrong. */
export interface Faults {
  /** Part of the operations that change something which fail, 0 to 1. */
  readonly failureRate?: number;
  /** Reads fail as long as this is true, or with this code. */
  readonly failReads?: boolean | string;
  /** Reads fail of those places of files for which this is true. */
  readonly failReadsAt?: (name: string, position: number) => boolean;
  /** Size of the disk. */
  readonly capacity?: number;
}

interface Write {
  readonly position: number;
  /** Undefined: the file is cut at `position`. */
  readonly bytes: Uint8Array | undefined;
}

/** What a file is apart from its name. */
class Node {
  data: Uint8Array = new Uint8Array(0);
  size = 0;
  durable: Uint8Array = new Uint8Array(0);
  durableSize = 0;
  unsynced: Write[] = [];

  apply({ position, bytes }: Write): void {
    [this.data, this.size] = applyWrite(this.data, this.size, position, bytes);
  }

  applyDurable({ position, bytes }: Write): void {
    [this.durable, this.durableSize] = applyWrite(this.durable, this.durableSize, position, bytes);
  }
}

interface Pending {
  /** Undefined: of the directory. */
  readonly node: Node | undefined;
  readonly count: number;
  readonly done: SyncCallback;
}

/** An error as the operating system makes them. */
export class SimulatedError extends Error {
  /** Tells it from other errors. */
  override readonly name = "SimulatedError";
  /** As in `node:fs`. */
  readonly code: string;

  /** An error with this code. */
  constructor(code: string, doing: string) {
    super(`${code}: ${doing}`);
    this.code = code;
  }
}

/** The directory. Syncs finish when {@linkcode SimulatedFileSystem.finishSync} is called. */
export class SimulatedFileSystem implements FileSystem {
  readonly directory = "/simulated";
  /** What it does wrong at present. */
  faults: Faults = {};
  /** How many syncs failed. */
  failedSyncs = 0;
  /** How many operations there were, by kind. */
  readonly counts = { write: 0, sync: 0, read: 0, directory: 0 };
  /** After so many operations it throws: whoever asks for more asks for ever. */
  operationsMax = Infinity;
  readonly #random: Random;
  #names = new Map<string, Node>();
  #durableNames = new Map<string, Node>();
  /** Names as they were after each change that is not synced. */
  #unsyncedNames: Map<string, Node>[] = [];
  #pending: Pending[] = [];
  /** Grows with each crash: files of before can no longer be used. */
  #life = 0;

  /** An empty directory. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** How many syncs are on their way. */
  get pendingSyncs(): number {
    return this.#pending.length;
  }

  /** Size of all files. */
  get used(): number {
    let used = 0;
    for (const node of this.#names.values()) used += node.size;
    return used;
  }

  list(): string[] {
    return [...this.#names.keys()];
  }

  create(name: string): StoreFile {
    this.#mayFail(`create ${name}`);
    if (this.#names.has(name)) throw new SimulatedError("EEXIST", `create ${name}`);
    const node = new Node();
    this.#changeNames((names) => names.set(name, node));
    return this.#file(node, name);
  }

  open(name: string): StoreFile {
    return this.#file(this.#node(name), name);
  }

  rename(from: string, to: string): void {
    this.#mayFail(`rename ${from}`);
    const node = this.#node(from);
    this.#changeNames((names) => {
      names.delete(from);
      names.set(to, node);
    });
  }

  remove(name: string): void {
    this.#mayFail(`remove ${name}`);
    this.#node(name);
    this.#changeNames((names) => names.delete(name));
  }

  sync(done: SyncCallback): void {
    this.#count("sync");
    this.#pending.push({ node: undefined, count: this.#unsyncedNames.length, done });
  }

  /** Lets the oldest sync end, well or badly. */
  finishSync(): void {
    const sync = this.#pending.shift();
    if (sync === undefined) return;
    const fails = this.#fails();
    if (fails) this.failedSyncs++;
    const { node, count } = sync;
    if (node === undefined) {
      if (!fails) {
        this.#durableNames = this.#unsyncedNames[count - 1] ?? this.#durableNames;
        this.#unsyncedNames.splice(0, count);
      }
    } else {
      // As a page cache does: after a sync that failed, nobody tries to write these bytes again.
      const writes = node.unsynced.splice(0, count);
      for (const write of writes) {
        if (!fails || this.#random() < 0.5) node.applyDurable(write);
      }
    }
    sync.done(fails ? new SimulatedError("EIO", "sync") : undefined);
  }

  /** The process dies; the machine goes on. */
  kill(): void {
    this.#life++;
    this.#pending = [];
  }

  /** The power goes: of what was not synced, anything may be there, or parts of it. */
  losePower(): void {
    this.kill();
    const kept = Math.floor(this.#random() * (this.#unsyncedNames.length + 1));
    this.#durableNames = this.#unsyncedNames[kept - 1] ?? this.#durableNames;
    this.#unsyncedNames = [];
    this.#names = new Map(this.#durableNames);
    for (const node of new Set(this.#names.values())) this.#loseWrites(node);
  }

  /** Changes bytes of a file on disk, as damage does. */
  damage(name: string, position: number, bytes: Uint8Array): void {
    const node = this.#node(name);
    node.apply({ position, bytes });
    node.applyDurable({ position, bytes });
  }

  /** The bytes of a file. */
  contents(name: string): Uint8Array {
    const node = this.#node(name);
    return node.data.slice(0, node.size);
  }

  #loseWrites(node: Node): void {
    // Some crashes lose all, some nothing, most something.
    const mood = this.#random();
    for (const write of node.unsynced) {
      const luck = this.#random();
      if (mood < 0.15 || luck < 0.25) continue;
      if (mood > 0.85 || luck < 0.6 || write.bytes === undefined) node.applyDurable(write);
      else if (luck < 0.8) this.#keepPrefix(node, write.position, write.bytes);
      else this.#keepSectors(node, write.position, write.bytes);
    }
    node.unsynced = [];
    node.data = node.durable.slice();
    node.size = node.durableSize;
  }

  #keepPrefix(node: Node, position: number, bytes: Uint8Array): void {
    const size = Math.floor(this.#random() * (bytes.length + 1));
    node.applyDurable({ position, bytes: bytes.subarray(0, size) });
  }

  #keepSectors(node: Node, position: number, bytes: Uint8Array): void {
    let start = 0;
    while (start < bytes.length) {
      const end = Math.min(bytes.length, start + SECTOR - (position + start) % SECTOR);
      if (this.#random() < 0.5) {
        node.applyDurable({ position: position + start, bytes: bytes.subarray(start, end) });
      }
      start = end;
    }
  }

  #file(node: Node, name: string): StoreFile {
    const life = this.#life;
    const alive = () => {
      if (life !== this.#life) throw new Error(`Cannot use ${name}: its process is dead`);
    };
    const truncate = (size: number) => {
      alive();
      this.#mayFail(`truncate ${name}`);
      const write = { position: size, bytes: undefined };
      node.apply(write);
      node.unsynced.push(write);
    };
    return {
      size: () => node.size,
      read: (bytes, start, length, position) => {
        alive();
        this.#count("read");
        const { failReads, failReadsAt } = this.faults;
        if (failReads || failReadsAt?.(name, position)) {
          throw new SimulatedError(
            typeof failReads === "string" ? failReads : "EIO",
            `read ${name}`,
          );
        }
        const end = Math.min(node.size, position + length);
        if (end <= position) return 0;
        bytes.set(node.data.subarray(position, end), start);
        return end - position;
      },
      write: (bytes, start, length, position) => {
        alive();
        this.#count("write");
        this.#mayFail(`write ${name}`);
        const write = { position, bytes: bytes.slice(start, start + length) };
        const growth = Math.max(0, position + length - node.size);
        if (growth > 0 && this.used + growth > (this.faults.capacity ?? Infinity)) {
          throw new SimulatedError("ENOSPC", `write ${name}`);
        }
        node.apply(write);
        node.unsynced.push(write);
      },
      truncate,
      closeCut: (size) => {
        try {
          truncate(size);
        } catch {
          // nobody is told
        }
      },
      sync: (done) => {
        alive();
        this.#count("sync");
        this.#pending.push({ node, count: node.unsynced.length, done });
      },
      close: () => {},
    };
  }

  #node(name: string): Node {
    const node = this.#names.get(name);
    if (node === undefined) throw new SimulatedError("ENOENT", name);
    return node;
  }

  #changeNames(change: (names: Map<string, Node>) => void): void {
    this.#count("directory");
    this.#names = new Map(this.#names);
    change(this.#names);
    this.#unsyncedNames.push(this.#names);
  }

  #count(kind: keyof SimulatedFileSystem["counts"]): void {
    this.counts[kind]++;
    const { write, sync, read, directory } = this.counts;
    if (write + sync + read + directory > this.operationsMax) {
      throw new Error(`the disk was asked for more than ${this.operationsMax} operations`);
    }
  }

  #fails(): boolean {
    const rate = this.faults.failureRate ?? 0;
    return rate > 0 && this.#random() < rate;
  }

  #mayFail(doing: string): void {
    if (this.#fails()) throw new SimulatedError("EIO", doing);
  }
}

function applyWrite(
  data: Uint8Array,
  size: number,
  position: number,
  bytes: Uint8Array | undefined,
): [Uint8Array, number] {
  if (bytes === undefined) {
    data.fill(0, position);
    return [data, Math.min(size, position)];
  }
  const end = position + bytes.length;
  if (end > data.length) data = grown(data, size, end);
  data.set(bytes, position);
  return [data, Math.max(size, end)];
}

/** With room for so many bytes, and for as many again as there were. */
function grown(data: Uint8Array, size: number, end: number): Uint8Array {
  const { buffer } = data;
  const length = Math.max(end, data.length * 2);
  if (buffer instanceof ArrayBuffer && buffer.resizable && length <= buffer.maxByteLength) {
    buffer.resize(length);
    return data; // which is as long as its buffer
  }
  // what is large grows in its place: most of it is never touched, and would be by copying
  const larger = length < LARGE
    ? new Uint8Array(length)
    : new Uint8Array(new ArrayBuffer(length, { maxByteLength: Math.max(RESERVED, length * 2) }));
  larger.set(data.subarray(0, size));
  return larger;
}

import type { InternalOptions } from "../../broker/options.ts";
import type { FileSystem, StoreFile } from "../../broker/store/file_system.ts";
import {
  type Faults,
  type Random,
  seededRandom,
  SimulatedFileSystem,
} from "../../broker/testing/simulated_file_system.ts";

/** A simulated disk that brokers are started on one after another. Its syncs end by themselves. */
export class SimulatedDisk {
  readonly files: SimulatedFileSystem;
  /** True while a broker uses it. */
  inUse = false;
  #held = false;

  constructor(random: Random = seededRandom(1)) {
    this.files = new SimulatedFileSystem(random);
  }

  /** A broker's options. */
  options(options: InternalOptions = {}): InternalOptions {
    return {
      dataDir: "/simulated",
      segmentSize: 64 * 1024,
      openDirectory: () => {
        if (this.inUse) throw new Error("the directory is in use");
        this.inUse = true;
        return { files: this.#fileSystem(), release: () => this.inUse = false };
      },
      ...options,
    };
  }

  /** What goes wrong from now on; nothing when nothing is said. */
  breaks(faults: Faults = { failureRate: 1 }): void {
    this.files.faults = faults;
  }

  /** Nothing goes wrong any more. */
  works(): void {
    this.files.faults = {};
  }

  /** From now on syncs take until they are let go. */
  holdSyncs(): void {
    this.#held = true;
  }

  /** Lets them end. */
  letSyncsGo(): void {
    this.#held = false;
    this.#finishAll();
  }

  #finishAll(): void {
    while (!this.#held && this.files.pendingSyncs > 0) this.files.finishSync();
  }

  #finishLater(): void {
    queueMicrotask(() => this.#finishAll());
  }

  #fileSystem(): FileSystem {
    const { files } = this;
    const wrap = (file: StoreFile): StoreFile => ({
      ...file,
      sync: (done) => {
        file.sync(done);
        this.#finishLater();
      },
    });
    return {
      directory: files.directory,
      list: () => files.list(),
      create: (name) => wrap(files.create(name)),
      open: (name) => wrap(files.open(name)),
      rename: (from, to) => files.rename(from, to),
      remove: (name) => files.remove(name),
      sync: (done) => {
        files.sync(done);
        this.#finishLater();
      },
    };
  }
}

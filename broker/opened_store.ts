import type { CompleteOptions, DataDirectory } from "./options.ts";
import { DirectoryLock } from "./store/directory_lock.ts";
import type { StoreError } from "./store/error.ts";
import { DiskFileSystem } from "./store/file_system.ts";
import { SpillFiles } from "./store/spill_files.ts";
import { Store, type StoreState } from "./store/store.ts";

/** A store in a directory that nobody else uses meanwhile. */
export class OpenedStore {
  /** The store. */
  readonly store: Store;
  /** Where pages of messages go that memory has no room for. */
  readonly spill: SpillFiles;
  readonly #directory: DataDirectory;

  /**
   * Opens it, or gives the directory free again.
   *
   * @param dataDir The directory.
   * @param options Those of the broker.
   * @param onStateChanged Called when the store can take no more, or can again, and with the reason.
   * @param onGrown Called when its files take more room.
   * @throws {StoreError} When the directory is in use, or a newer Warren wrote it.
   */
  constructor(
    dataDir: string,
    options: CompleteOptions,
    onStateChanged: (state: StoreState, error: StoreError | undefined) => void,
    onGrown: () => void,
  ) {
    const { clock, logger, sync, segmentSize, openDirectory = openDiskDirectory } = options;
    this.#directory = openDirectory(dataDir);
    try {
      this.store = new Store({
        files: this.#directory.files,
        sync,
        clock,
        ...(segmentSize === undefined ? {} : { segmentSize }),
        onStateChanged: (state, error) => {
          const why = error === undefined ? "" : `: ${error.message}`;
          logger.log(state === "open" ? "info" : "error", `store: ${state}${why}`);
          onStateChanged(state, error);
        },
        onGrown,
        onDamage: (file, offset) => logger.log("error", `store: ${file} is damaged at ${offset}`),
      });
      this.spill = new SpillFiles({
        files: this.#directory.files,
        clock,
        onFailure: (error) => logger.log("error", `messages stay in memory: ${error.message}`),
        onGrown,
      });
    } catch (error) {
      this.#directory.release();
      throw error;
    }
    const { dropped, damages } = this.store.report;
    for (const damage of dropped === undefined ? damages : [...damages, dropped]) {
      const { bytes, file, offset, reason } = damage;
      logger.log(
        "warning",
        `store: ${bytes} bytes of ${file} at ${offset} were passed over: ${reason}`,
      );
    }
  }

  /** Closes the store; the directory becomes free whatever happens. */
  async close(): Promise<void> {
    try {
      this.spill.close();
      await this.store.close();
    } finally {
      this.#directory.release();
    }
  }
}

function openDiskDirectory(dataDir: string): DataDirectory {
  const files = new DiskFileSystem(dataDir);
  const lock = new DirectoryLock(dataDir);
  return { files, release: () => lock.release() };
}

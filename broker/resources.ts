import { Alarms, type AlarmSource } from "./alarms.ts";
import { atEndOfTurn } from "./amqp/turn.ts";
import { DiskWatch } from "./disk_watch.ts";
import type { BrokerEvents } from "./events.ts";
import { type Machine, thisMachine } from "./machine.ts";
import { MemoryWatch } from "./memory_watch.ts";
import { checkDiskFreeLimit, checkMemoryHighWatermark, type CompleteOptions } from "./options.ts";
import type { PagePool } from "./pages.ts";

/** RabbitMQ takes so much for what there is when the system does not tell. */
const UNKNOWN_MEMORY = 1024 * 1024 * 1024;

/** Memory and disk: what watches them, and the alarms that are raised when one is short. */
export class Resources {
  /** What is short. */
  readonly alarms: Alarms;
  /** Watches memory. */
  readonly memory: MemoryWatch;
  /** Watches the disk of the data directory; undefined without one. */
  readonly disk: DiskWatch | undefined;
  /** Called when memory was short and is no longer. */
  onMemory: () => void = () => {};
  readonly #options: CompleteOptions;
  readonly #events: BrokerEvents;
  readonly #machine: Machine;

  /**
   * @param options Those of the broker.
   * @param events Where alarms are told of.
   * @param pages Where messages are in memory.
   */
  constructor(options: CompleteOptions, events: BrokerEvents, pages: PagePool) {
    this.#options = options;
    this.#events = events;
    const { clock, dataDir, diskFreeLimit, heapHighWatermark, machine = thisMachine } = options;
    this.#machine = machine;
    this.alarms = new Alarms(clock, (...change) => this.#changed(...change));
    this.memory = new MemoryWatch({
      machine,
      alarms: this.alarms,
      clock,
      rssLimit: Infinity,
      heapShare: heapHighWatermark,
      held: () => pages.bytes,
    });
    if (dataDir === undefined) return;
    this.disk = new DiskWatch({
      machine,
      directory: dataDir,
      limit: diskFreeLimit,
      alarms: this.alarms,
      clock,
    });
  }

  /** Looks for the first time. */
  start(): void {
    const { dataDir, diskFreeLimit, logger, memoryHighWatermark } = this.#options;
    if (memoryHighWatermark !== Infinity) this.setMemoryHighWatermark(memoryHighWatermark);
    if (this.disk === undefined) return;
    if (diskFreeLimit > 0 && this.#machine.diskFree(dataDir!) === undefined) {
      logger.log("info", "free disk space is not watched: --allow-sys=statfs lets it be");
    } else this.disk.look();
  }

  /** Changes how much memory the process may take. */
  setMemoryHighWatermark(watermark: number): void {
    checkMemoryHighWatermark(watermark);
    this.memory.rssLimit = this.#bytesOf(watermark);
  }

  /** Changes how much of the disk must be free. */
  setDiskFreeLimit(bytes: number): void {
    checkDiskFreeLimit(bytes);
    if (this.disk !== undefined) this.disk.limit = bytes;
  }

  /** Memory of the process, in bytes. */
  get memoryUsed(): number {
    return this.#machine.rss();
  }

  /** How much of the disk is free, in bytes; undefined when that is not known. */
  get diskFree(): number | undefined {
    const { dataDir } = this.#options;
    return dataDir === undefined ? undefined : this.#machine.diskFree(dataDir);
  }

  /** How much of it must be. */
  get diskFreeLimit(): number {
    return this.disk?.limit ?? 0;
  }

  /** Watches no more. */
  stop(): void {
    this.memory.stop();
    this.disk?.stop();
  }

  /** What a watermark comes to; more than there is makes no sense. */
  #bytesOf(watermark: number): number {
    if (watermark === Infinity) return Infinity;
    const { logger } = this.#options;
    const known = this.#machine.memory();
    if (known === undefined && watermark <= 1) {
      logger.log(
        "info",
        "how much memory there is must not be known: 1 GiB is taken for it " +
          "(--allow-sys=systemMemoryInfo, or a watermark in bytes)",
      );
    }
    const limit = watermark > 1
      ? Math.min(watermark, known ?? Infinity)
      : watermark * (known ?? UNKNOWN_MEMORY);
    logger.log("info", `memory high watermark is ${Math.round(limit / 1024 / 1024)} MiB`);
    return limit;
  }

  #changed(source: AlarmSource, raised: boolean, reason: string): void {
    const what = raised ? `set, nobody may publish: ${reason}` : "cleared";
    this.#options.logger.log("warning", `${source} alarm ${what}`);
    this.#events.emit(raised ? "alarm.set" : "alarm.cleared", { source });
    if (source === "memory" && !raised) atEndOfTurn(() => this.onMemory());
  }
}

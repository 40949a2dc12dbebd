import type { Machine } from "../../broker/machine.ts";

/** A machine on which as much is in use as a test says. */
export class MadeUpMachine implements Machine {
  rssBytes = 0;
  /** How much of that is not in use. */
  freeBytes = 0;
  heapUsed = 0;
  heapLimit = 4096;
  /** Undefined: that may not be known. */
  memoryBytes: number | undefined = 10_000;
  diskFreeBytes: number | undefined = 1_000_000_000;
  /** How often it was looked at. */
  looks = 0;
  diskLooks = 0;
  /** How often the collector was asked for work since it was last told that it is enough. */
  collects = 0;

  rss(): number {
    return this.rssBytes;
  }

  allocated(): number {
    return this.rssBytes - this.freeBytes;
  }

  heap(): { used: number; limit: number } {
    this.looks++;
    return { used: this.heapUsed, limit: this.heapLimit };
  }

  memory(): number | undefined {
    return this.memoryBytes;
  }

  diskFree(): number | undefined {
    this.diskLooks++;
    return this.diskFreeBytes;
  }

  collect(): void {
    this.collects++;
  }

  stopCollecting(): void {
    this.collects = 0;
  }
}

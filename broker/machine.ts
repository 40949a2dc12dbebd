/**
 * What the machine has to give, and how much of it this process uses. Whatever is missing for want of
 * a permission is not asked for: nobody is prompted for what can be done without.
 *
 * @module
 */
import { builtIn } from "./amqp/built_in.ts";

/** Heap for young objects, which V8 counts in its limit though it cannot hold what lives long. */
const YOUNG_MAX = 96 * 1024 * 1024;
/** A smaller limit than this and that leaves next to nothing: then it was made up another way. */
const OLD_MIN = 16 * 1024 * 1024;
/** Buffers of this size are never touched, so the system gives no memory for them; but the collector
 * counts them, and looks for garbage the more of them there are. */
const BALLAST_SIZE = 64 * 1024 * 1024;
/** So many of them at once. */
const BALLAST_MAX = 24;

/** The machine as the broker's watches see it; tests have their own. */
export interface Machine {
  /** The size of this process in memory, in bytes: 30 µs. */
  rss(): number;
  /** How much of that V8 and its buffers account for, in bytes, garbage included: 3 µs. The rest is
   * code, and what was given back but is kept for the next buffers by the C library. */
  allocated(): number;
  /** Bytes of V8's heap in use, garbage included, and how many end the process: 3 µs. The limit may be
   * Infinity for whoever asks first: it is not known yet. */
  heap(): { readonly used: number; readonly limit: number };
  /** How much memory there is for this process, in bytes: the machine's or its cgroup's. Undefined
   * when the permission `sys=systemMemoryInfo` is missing. */
  memory(): number | undefined;
  /** How much is free on the disk of a directory, in bytes: 10 µs. Undefined when the permission
   * `sys=statfs` is missing, or when it is not known. */
  diskFree(directory: string): number | undefined;
  /** Has the garbage collector do a part of its work, beside the program. Without that, one in which
   * nothing happens any more keeps what it has let go. It takes several calls, some time apart. */
  collect(): void;
  /** That is enough. */
  stopCollecting(): void;
}

/** What tells of V8's heap. Undefined until somebody needed it and it was loaded. */
let v8: typeof import("node:v8") | undefined;
let isLoading = false;

const ballast: ArrayBuffer[] = [];
/** Those as well that were let go and wait for the collector. */
let uncollected: WeakRef<ArrayBuffer>[] = [];

/** The machine itself. */
export const thisMachine: Machine = {
  rss: () => Deno.memoryUsage().rss,

  allocated() {
    const { external, heapTotal } = v8 === undefined ? Deno.memoryUsage() : sizes(v8);
    uncollected = uncollected.filter((buffer) => buffer.deref() !== undefined);
    return Math.max(0, heapTotal + external - uncollected.length * BALLAST_SIZE);
  },

  heap() {
    if (v8 === undefined) {
      if (!isLoading) {
        // one who looks will look again
        void loadHeapStatistics();
        return { used: 0, limit: Infinity };
      }
      // nobody else had his turn since: a program that fills the heap at a stretch must be stopped in time
      v8 = builtIn("v8");
    }
    const { used_heap_size: used, heap_size_limit: all } = v8.getHeapStatistics();
    const old = all - YOUNG_MAX;
    return { used, limit: old >= OLD_MIN ? old : all / 2 };
  },

  memory() {
    if (!mayKnow("systemMemoryInfo")) return undefined;
    const { total } = Deno.systemMemoryInfo();
    const constrained = cgroupLimit() ?? builtIn("process").constrainedMemory();
    return constrained > 0 ? Math.min(total, constrained) : total;
  },

  diskFree(directory) {
    if (!mayKnow("statfs")) return undefined;
    try {
      const { bavail, bsize } = builtIn("fs").statfsSync(directory);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  },

  collect() {
    if (ballast.length === BALLAST_MAX) ballast.shift();
    try {
      const buffer = new ArrayBuffer(BALLAST_SIZE);
      ballast.push(buffer);
      uncollected.push(new WeakRef(buffer));
    } catch {
      // The machine does not even promise so much. V8 has looked for garbage before it said so.
    }
  },

  stopCollecting() {
    ballast.length = 0;
  },
};

/**
 * Loads what tells of V8's heap: `node:v8` takes 5 to 7 ms, a tenth of what importing all of this does, and
 * is of no use to a program that has only some messages. Until then V8's limit is not known.
 */
export async function loadHeapStatistics(): Promise<void> {
  isLoading = true;
  v8 ??= (await import("node:v8")).default;
}

/** The same that the runtime tells, without its size, which takes ten times as long. */
function sizes({ getHeapStatistics }: typeof import("node:v8")): {
  readonly external: number;
  readonly heapTotal: number;
} {
  const { external_memory: external, total_heap_size: heapTotal } = getHeapStatistics();
  return { external, heapTotal };
}

/**
 * How much memory the cgroup of this process may take, in bytes; 0: as much as there is. Undefined when
 * that cannot be read, which needs all permissions. `process.constrainedMemory()` tells the same, but
 * loading `node:process` takes 20 ms.
 */
function cgroupLimit(): number | undefined {
  const path = "/proc/self/cgroup";
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  try {
    const groups = Deno.readTextFileSync(path).split("\n").map((line) => line.split(":"));
    const own = groups.find(([, controllers]) => controllers?.split(",").includes("memory"));
    const [file, group] = own === undefined
      ? ["memory.max", groups.find(([hierarchy]) => hierarchy === "0")]
      : ["memory.limit_in_bytes", own];
    if (group === undefined) return undefined;
    const folder = `/sys/fs/cgroup${own === undefined ? "" : "/memory"}${group.slice(2).join(":")}`;
    const limit = Deno.readTextFileSync(`${folder}/${file}`).trim();
    return limit === "max" ? 0 : Number(limit);
  } catch {
    return undefined;
  }
}

function mayKnow(kind: "systemMemoryInfo" | "statfs"): boolean {
  return Deno.permissions.querySync({ name: "sys", kind }).state === "granted";
}

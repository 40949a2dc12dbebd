import { statfsSync } from "node:fs";

/** Where Linux has a file system in memory. In containers it may be small. */
const IN_MEMORY = "/dev/shm";
/** So much room a few stores need. */
const ROOM_BYTES = 1024 ** 3;

/** Makes a directory for a test of what a broker keeps, to which it does not matter how long a disk takes
 * to sync: in memory, where there is room. */
export async function makeQuickDirectory(prefix: string): Promise<string> {
  return await Deno.makeTempDir({ prefix, ...hasRoom() ? { dir: IN_MEMORY } : {} });
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize >= ROOM_BYTES;
  } catch {
    return false; // there is none
  }
}

/** How many files and sockets a process has open, and how many it may have. */
export interface FileDescriptors {
  /** Undefined when it is not known. */
  readonly open: number | undefined;
  /** Undefined when it is not known. */
  readonly max: number | undefined;
}

const UNKNOWN: FileDescriptors = { open: undefined, max: undefined };

/** They are counted so often at most, in milliseconds, as in RabbitMQ: with ten thousand clients it takes
 * as many entries of a folder. */
const COUNT_EVERY_MS = 5000;

let counted: { readonly at: number; readonly files: Promise<FileDescriptors> } | undefined;

/** What Linux says, or said a few seconds ago. Elsewhere nobody knows, nor without the permission to read
 * everything, which it takes to read there. */
export function fileDescriptors(): Promise<FileDescriptors> {
  const now = performance.now();
  if (counted === undefined || now - counted.at >= COUNT_EVERY_MS) {
    counted = { at: now, files: count() };
  }
  return counted.files;
}

async function count(): Promise<FileDescriptors> {
  if (Deno.build.os !== "linux") return UNKNOWN;
  if ((await Deno.permissions.query({ name: "read" })).state !== "granted") return UNKNOWN;
  try {
    let open = 0;
    for await (const _ of Deno.readDir("/proc/self/fd")) open++;
    const limits = await Deno.readTextFile("/proc/self/limits");
    const max = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return { open, max: max === undefined ? undefined : Number(max) };
  } catch {
    return UNKNOWN; // as where all may be read but what is the system's
  }
}

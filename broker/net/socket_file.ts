/**
 * Unix sockets: listening on a path.
 *
 * @module
 */

/** A listener on a socket file. */
export interface SocketFile {
  /** What accepts. */
  readonly listener: Deno.Listener<Deno.UnixConn, Deno.UnixAddr>;
  /** Takes the file away, if it is still ours. */
  readonly remove: () => Promise<void>;
}

/**
 * Listens on a path. The file of a program that was killed is replaced; one on which somebody
 * answers is not.
 *
 * @param path The socket file.
 * @param mode Its permissions, such as `0o660`; undefined for what the process's umask leaves.
 * @throws {TypeError} On Windows.
 * @throws {Deno.errors.AddrInUse} When another program listens there, or the file is no socket.
 */
export async function listenOnPath(path: string, mode: number | undefined): Promise<SocketFile> {
  if (Deno.build.os === "windows") {
    throw new TypeError("Cannot listen: socket files are not supported on Windows");
  }
  await removeStale(path);
  const listener = Deno.listen({ transport: "unix", path });
  try {
    if (mode !== undefined) await Deno.chmod(path, mode);
    const { ino } = await Deno.lstat(path);
    return { listener, remove: () => removeOwn(path, ino) };
  } catch (cause) {
    listener.close();
    throw cause;
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path);
  if (found === undefined) return;
  if (!found.isSocket) throw new Deno.errors.AddrInUse(`Cannot listen: ${path} is no socket`);
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    if (!(cause instanceof Deno.errors.ConnectionRefused)) throw cause;
    await Deno.remove(path);
    return;
  }
  throw new Deno.errors.AddrInUse(`Cannot listen: another program listens on ${path}`);
}

/** The runtime removes it when the listener closes, at least some versions do. */
async function removeOwn(path: string, ino: number | null): Promise<void> {
  const found = await lstat(path);
  if (found?.isSocket !== true || found.ino !== ino) return;
  try {
    await Deno.remove(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
}

async function lstat(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}

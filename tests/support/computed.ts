import process from "node:process";

/**
 * Milliseconds that this thread has computed so far. Unlike what a clock shows that does not go on while
 * other processes, or other tests, have the processor; on some systems it goes on by 10 at a time.
 */
export function computedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * Has `performance.now()` stand still until it is disposed of: what a link does at a stretch depends on how
 * long it took, and a machine that is busy with other things makes two reads out of one.
 *
 * @returns What lets it go on.
 */
export function standingTime(): Disposable {
  const { now } = performance;
  const at = now.call(performance);
  performance.now = () => at;
  return { [Symbol.dispose]: () => void (performance.now = now) };
}

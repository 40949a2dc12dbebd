// deno-lint-ignore-file no-console -- part of programs: they say what they measure
const GIB = 2 ** 30;
/** So much of the memory is touched: more than all that is compared takes together. */
const TOUCHED_GIB = 6;
/** But no more than this share of what is free. */
const SHARE_MAX = 0.5;

/** Writes to each page of as many GiB as it is told, and ends. */
const TOUCH = `
  const blocks = [];
  for (let gib = Number(Deno.args[0]); gib > 0; gib--) {
    const block = new Uint8Array(${GIB});
    for (let at = 0; at < block.length; at += 4096) block[at] = 1;
    blocks.push(block);
  }
`;

/**
 * Has a virtual machine get its memory from its host. Many hosts give a page when it is written to for the
 * first time, which takes ten times as long as later, so whoever needs new memory first would pay for all
 * that come after.
 */
export async function touchMemory(): Promise<void> {
  const free = Deno.systemMemoryInfo().available * SHARE_MAX / GIB;
  const gib = Math.min(TOUCHED_GIB, Math.floor(free));
  if (gib < 1) return;
  const command = new Deno.Command(Deno.execPath(), { args: ["eval", TOUCH, `${gib}`] });
  const { success } = await command.output();
  if (!success) console.log("there is less memory than the system says: ratios will wobble");
}

import { DiskFileSystem } from "../store/file_system.ts";
import { repairStore } from "../store/inspect.ts";
import { noteLosses } from "../vhost/topology.ts";
import type { Command } from "./command.ts";
import { withStore } from "./store_directory.ts";
import { readStoreOptions, STORE_KNOWN, STORE_OPTIONS } from "./store_options.ts";
import { keptAside, summarise, summaryLines } from "./store_summary.ts";
import type { Terminal } from "./terminal.ts";

const USAGE = `Usage: deno run -A broker/main.ts store repair [options]

Saves what can be read of what a stopped broker keeps on disk: cuts off what a crash left
unfinished, and rewrites damaged segments without what is broken in them. The damaged
files stay in the directory as *.damaged. 'store check' tells beforehand what is wrong.
Ends with 0 when the store is sound afterwards, with 1 when it is not.

${STORE_OPTIONS}`;

/** `store repair`: saves what can be read. */
export const storeRepair: Command = {
  known: STORE_KNOWN,
  summary: "save what can be read of a damaged store",
  async run(args, terminal) {
    const options = readStoreOptions(args, terminal);
    if (options.help) {
      terminal.say(USAGE);
      return 0;
    }
    return await withStore(options, { access: "write", terminal }, async (files) => {
      const found = summarise(files);
      const needed = found.damages.length > 0 || found.dropped !== null;
      if (needed) await repairStore(new DiskFileSystem(options.directory), noteLosses);
      const left = needed ? summarise(files) : found;
      const before = new Set(found.keptAside);
      const put = keptAside(files).filter((name) => !before.has(name));
      if (options.format === "json") {
        terminal.say(JSON.stringify({ repaired: needed, putAside: put, found, left }, null, 2));
        return ending(left.sound, terminal);
      }
      summaryLines(found).forEach(terminal.say);
      if (needed) {
        terminal.say(
          `Repaired: messages saved: ${left.messages}, definitions saved: ${left.definitions}.`,
        );
      }
      for (const name of put) {
        terminal.say(`The damaged file is kept as ${files.directory}/${name}`);
      }
      terminal.say(lastLine(needed, left.sound));
      return ending(left.sound, terminal);
    });
  },
};

function ending(sound: boolean, terminal: Terminal): number {
  if (sound) return 0;
  terminal.complain("warren: the store is still damaged");
  return 1;
}

function lastLine(needed: boolean, sound: boolean): string {
  if (!sound) return "The store is still damaged: 'store check' tells where.";
  return needed ? "The store is sound." : "The store is sound: there was nothing to repair.";
}

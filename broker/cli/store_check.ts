import type { Command } from "./command.ts";
import { withStore } from "./store_directory.ts";
import { readStoreOptions, STORE_KNOWN, STORE_OPTIONS } from "./store_options.ts";
import { summarise, summaryLines } from "./store_summary.ts";

const USAGE = `Usage: deno run -A broker/main.ts store check [options]

Reads all that a stopped broker keeps on disk, checks every record, and changes nothing.
Ends with 0 when the store is sound, with 1 when it is damaged or cannot be read.

${STORE_OPTIONS}`;

/** `store check`: is what is on disk whole? */
export const storeCheck: Command = {
  known: STORE_KNOWN,
  summary: "check what a stopped broker keeps on disk; changes nothing",
  async run(args, terminal) {
    const options = readStoreOptions(args, terminal);
    if (options.help) {
      terminal.say(USAGE);
      return 0;
    }
    return await withStore(options, { access: "read", terminal }, (files) => {
      const summary = summarise(files);
      if (options.format === "json") terminal.say(JSON.stringify(summary, null, 2));
      else {
        summaryLines(summary).forEach(terminal.say);
        terminal.say(
          summary.sound
            ? "The store is sound."
            : "The store is damaged: 'store repair' saves what can be read.",
        );
      }
      if (summary.sound) return 0;
      terminal.complain("warren: the store is damaged");
      return 1;
    });
  },
};

/**
 * The program: `deno run -A broker/main.ts`. Arguments decide on a command, the command on the exit
 * status.
 *
 * @module
 */
import { runCommand } from "./cli/commands.ts";

if (import.meta.main) Deno.exit(await runCommand(Deno.args));

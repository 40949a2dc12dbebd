/**
 * The program: `deno run -A broker/main.ts`. Arguments decide on a command, the command on the exit
 * status.
 *
 * @module
 */
import { serve } from "./cli/serve.ts";

if (import.meta.main) Deno.exit(await serve(Deno.args));

import { isHelp, UsageError } from "./arguments.ts";
import { serve } from "./serve.ts";
import { oneLine, type Terminal, terminal as ownTerminal } from "./terminal.ts";

/**
 * Runs the command that the arguments name; without a name, the broker is served.
 *
 * @param args The program's arguments.
 * @returns The exit status: 0 after what went well, 1 after what did not, 2 for arguments that make no
 * sense.
 */
export async function runCommand(
  args: readonly string[],
  terminal: Terminal = ownTerminal,
): Promise<number> {
  try {
    const [first] = args;
    const serves = (first === undefined || first.startsWith("-")) && !args.some(isHelp);
    if (serves) return await serve.run(args, terminal);
    // all the others are not loaded for a broker that starts
    const { dispatch } = await import("./command_table.ts");
    return await dispatch(args, terminal);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    terminal.complain(oneLine(`warren: ${cause.message} (--help shows what there is)`));
    return 2;
  }
}

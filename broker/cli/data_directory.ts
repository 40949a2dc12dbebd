import { StoreError } from "../store/error.ts";
import { UsageError } from "./arguments.ts";
import { oneLine, type Terminal } from "./terminal.ts";

/**
 * Where a broker keeps its data unless it is told: a folder for each port in the place that the
 * platform has for such things, so that two brokers never share one by accident.
 *
 * @param instead What to pass when it cannot be told, for the message.
 * @throws {UsageError} When the environment does not say where that place is.
 */
export function defaultDataDir(
  port: number,
  terminal: Pick<Terminal, "os" | "env">,
  instead: string,
): string {
  const variables = terminal.os === "windows"
    ? ["LOCALAPPDATA"]
    : terminal.os === "darwin"
    ? ["HOME"]
    : ["XDG_STATE_HOME", "HOME"];
  const absolute = terminal.os === "windows" ? /^([a-z]:)?[\\/]/i : /^\//;
  for (const variable of variables) {
    const value = read(variable, variables, { terminal, instead });
    // The XDG specification: what is not absolute counts as not set. Empty is what a shell makes of it.
    if (value === undefined || !absolute.test(value)) continue;
    const folder = value.replace(/(?<=.)[\\/]+$/, "");
    switch (variable) {
      case "LOCALAPPDATA":
        return `${folder}\\warren\\${port}`;
      case "XDG_STATE_HOME":
        return `${folder}/warren/${port}`;
      default:
        return terminal.os === "darwin"
          ? `${folder}/Library/Application Support/warren/${port}`
          : `${folder}/.local/state/warren/${port}`;
    }
  }
  const names = variables.length === 1 ? `${variables[0]} is not` : "neither of " +
    `${variables.join(" and ")} is`;
  throw new UsageError(`cannot tell where to keep data: ${names} set to a path; pass ${instead}`);
}

function read(
  variable: string,
  variables: readonly string[],
  { terminal, instead }: { terminal: Pick<Terminal, "env">; instead: string },
): string | undefined {
  try {
    return terminal.env(variable);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new UsageError(
      `not allowed to ask the environment where to keep data (--allow-env=${
        variables.join(",")
      }); pass ${instead}`,
    );
  }
}

/** Why a data directory cannot be used, in one line. */
export function whyNotUsable(directory: string, cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof StoreError && cause.code === "locked") {
    return oneLine(text.replace(/^C/, "c"));
  }
  return oneLine(`cannot use ${directory}: ${text.replace(/^Cannot /, "cannot ")}`);
}

import type { JsonValue } from "../../policy/json.ts";
import { type CtlCall, type CtlCommand, CtlError, CtlUsageError, EXIT } from "./command.ts";
import { validated } from "./errors.ts";

/** Definitions, out of a broker and into it. */
export const DEFINITION_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  export_definitions: {
    summary: "Exports definitions in JSON or compressed Erlang Term Format.",
    usage: '<file_path | "-"> [--format <json | erlang>] [--timeout <timeout>]',
    args: [1, 1],
    options: { format: "value" },
    banner: ({ args: [file] }) =>
      file === "-" ? undefined : `Exporting definitions in JSON to a file at "${file}" ...`,
    async run({ args: [file = ""], options, client }) {
      requireJson(options);
      if (file !== "-") await requireFolderOf(file);
      const definitions = await client.get<JsonValue>(["definitions"]);
      const text = JSON.stringify(definitions);
      if (file === "-") return { text, value: definitions };
      try {
        await Deno.writeTextFile(file, text);
      } catch (cause) {
        throw new CtlUsageError(`Bad argument: ${messageOf(cause)}`, EXIT.dataError);
      }
    },
  },
  import_definitions: {
    summary: "Imports definitions in JSON or compressed Erlang Term Format.",
    usage: '<file_path | "-"> [--format <json | erlang>] [--skip-if-unchanged] ' +
      "[--timeout <timeout>]",
    args: [0, 1],
    options: { format: "value", "skip-if-unchanged": "flag" },
    banner: ({ args: [file = "-"] }) =>
      file === "-"
        ? "Importing definitions in JSON from standard input ..."
        : `Importing definitions in JSON from a file at "${file}" ...`,
    async run(call) {
      requireJson(call.options);
      let definitions: JsonValue;
      try {
        definitions = JSON.parse(await readDefinitions(call));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new CtlError(EXIT.dataError, "Failed to parse JSON: it is none");
      }
      await validated(
        call.client.post(["definitions"], definitions, { query: "grant=false" }).then(() => {}),
      );
      // nothing goes on after this: the broker has it all
      if (call.options["quiet"] !== true && call.options["silent"] !== true) {
        return { text: "Successfully imported definitions." };
      }
    },
  },
};

async function readDefinitions({ args: [file = "-"], terminal }: CtlCall): Promise<string> {
  if (file === "-") return await new Response(terminal.input()).text();
  try {
    return await Deno.readTextFile(file);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) {
      throw new CtlUsageError(`Bad argument: ${messageOf(cause)}`, EXIT.dataError);
    }
    throw new CtlUsageError(`Bad argument: File ${file} does not exist`, EXIT.dataError);
  }
}

function requireJson({ format }: CtlCall["options"]): void {
  if (format === undefined || format === "json") return;
  throw new CtlUsageError("Formats other than json are not supported");
}

async function requireFolderOf(file: string): Promise<void> {
  const folder = /^(.*)\/[^/]*$/.exec(file)?.[1] ?? ".";
  try {
    await Deno.stat(folder === "" ? "/" : folder);
  } catch {
    throw new CtlUsageError(`Bad argument: Directory ${folder} does not exist`, EXIT.dataError);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : `${cause}`;
}

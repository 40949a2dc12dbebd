import {
  type Broker,
  DefinitionError,
  DefinitionSection,
  inOrderOfDefinitions,
  type JsonObject,
  type JsonValue,
  type PendingDefinition,
} from "../../mod.ts";
import { requireAdministrator, vhostOf } from "../access.ts";
import { readBytes } from "../body.ts";
import { type Columns, readColumns } from "../columns.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest } from "../errors.ts";
import { jsonObject, type LongObject } from "../../http/json_stream.ts";
import { gather, sortInSlices } from "../../http/slices.ts";
import { answer } from "../listing.ts";
import { fieldOfForm } from "../multipart.ts";

/** Definitions files, of all that there is or of one vhost, both ways. */
export function definitionRoutes(api: Api, management: Management): void {
  const { broker } = management;

  for (const path of ["/api/definitions", "/api/all-configuration"]) {
    api.get(path, (call) => {
      requireAdministrator(call);
      offerAsFile(call);
      return send(call, broker);
    });
    api.post(path, async (call) => {
      requireAdministrator(call);
      // as who makes a vhost; not for rabbitmqctl, which is nobody
      const granted = call.req.query("grant") !== "false";
      const grantTo = granted ? { grantTo: call.var.session.user } : {};
      await imported(broker.importDefinitions(await readFile(call), grantTo));
      return done(call);
    });
  }

  api.get("/api/definition-counts", (call) => {
    requireAdministrator(call);
    return answer(call, broker.definitionCounts());
  });
  api.get("/api/definition-counts/:vhost", (call) => {
    requireAdministrator(call);
    return answer(call, broker.definitionCounts({ vhost: vhostOf(call, broker) }));
  });

  api.get("/api/definitions/:vhost", (call) => {
    requireAdministrator(call);
    const vhost = vhostOf(call, broker);
    offerAsFile(call);
    return send(call, broker, { vhost });
  });
  api.post("/api/definitions/:vhost", async (call) => {
    requireAdministrator(call);
    const vhost = vhostOf(call, broker, true);
    await imported(broker.importDefinitions(await readFile(call), { vhost }));
    return done(call);
  });
}

/** Such a file may be long: its sections are sorted in slices, and made as they are sent. */
async function send(
  call: Call,
  broker: Broker,
  where: { readonly vhost?: string } = {},
): Promise<Response> {
  const columns: Columns = readColumns(call.req.query("columns")) ?? ((value) => value);
  const file: Record<string, LongObject[string]> = {};
  for (const [name, value] of Object.entries(broker.definitionSections(where))) {
    const isLong = value instanceof DefinitionSection;
    const { [name]: wanted } = columns({ [name]: isLong ? [] : value }) as JsonObject;
    if (wanted === undefined) continue;
    file[name] = isLong ? described(await inOrder(value), columns, name) : wanted;
  }
  if (Object.keys(file).length === 0) return call.json([]);
  return call.body(jsonObject(file), 200, { "content-type": "application/json" });
}

async function inOrder(section: DefinitionSection): Promise<readonly PendingDefinition[][]> {
  const parts: PendingDefinition[][] = [];
  for (const part of section.parts()) {
    parts.push(await sortInSlices(await gather(part), inOrderOfDefinitions));
  }
  return parts;
}

/** What is wanted of the entries of a section. */
function* described(
  parts: readonly PendingDefinition[][],
  columns: Columns,
  section: string,
): Generator<JsonValue> {
  for (const part of parts) {
    for (const { describe } of part) {
      const { [section]: told } = columns({ [section]: [describe()] }) as JsonObject;
      yield (told as readonly JsonValue[])[0]!;
    }
  }
}

/** A link to it saves a file. */
function offerAsFile(call: Call): void {
  const name = call.req.query("download")?.replace(/[^\w.:@ -]/g, "_");
  if (name === undefined || name === "") return;
  call.header("content-disposition", `attachment; filename="${name}"`);
}

/** The file may be all of the request, or come from a form. */
async function readFile(call: Call): Promise<Uint8Array> {
  const type = call.req.header("content-type") ?? "";
  const bytes = await readBytes(call);
  if (!/^multipart\/form-data\s*(;|$)/i.test(type)) return bytes;
  const file = await fieldOfForm(bytes, type, "file");
  if (file === undefined) throw badRequest("no file was sent");
  return file;
}

/** Something that a file needs and that is not there is the file's fault. */
async function imported(importing: Promise<void>): Promise<void> {
  try {
    await importing;
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    if (error.cause instanceof SyntaxError) throw badRequest("failed_to_parse_json");
    if (error.code !== "not-found") throw error;
    throw badRequest(error.message);
  }
}

/** A page that sent a form says where it wants to go on. */
function done(call: Call): Response {
  const back = call.req.query("redirect");
  // only within this site
  if (back !== undefined && /^\/(?![/\\])/.test(back)) return call.redirect(back, 303);
  return call.body(null, 204);
}

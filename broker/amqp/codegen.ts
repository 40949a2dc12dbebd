/**
 * Prints `methods/` from the table in `spec.ts`: for each method an interface, a maker, a decoder and
 * an encoder, one file a class, and `mod.ts`, which knows all of them.
 *
 * ```text
 * deno task codegen            writes the files
 * deno task codegen --check    compares them instead; exit status 1 when one differs
 * ```
 *
 * @module
 */
// deno-lint-ignore-file no-console

import { type ClassSpec, FIELDS, type FieldType, type MethodSpec, SPEC } from "./spec.ts";

/** A field of a method as the generator uses it. */
interface Field {
  readonly type: FieldType;
  /** The specification's name in camelCase. */
  readonly name: string;
  readonly about: string;
  readonly reserved: boolean;
}

/** Consecutive bits, which share an octet, or one other field. */
type FieldGroup = readonly Field[];

/** A method with all of its names. */
interface NamedMethod extends MethodSpec {
  /** Such as `queue.declare-ok`. */
  readonly fullName: string;
  /** Such as `QueueDeclareOk`. */
  readonly typeName: string;
  /** Such as `queueDeclareOk`. */
  readonly makerName: string;
  readonly groups: readonly FieldGroup[];
  /** Those that are not reserved. */
  readonly visible: readonly Field[];
}

/** What a field type is in TypeScript, and how it is read and written. */
interface FieldCode {
  readonly type: string;
  readonly empty: string;
  readonly read: string;
  readonly write: (value: string) => string;
}

const FIELD_CODE: Readonly<Record<Exclude<FieldType, "bit">, FieldCode>> = {
  octet: verb("number", "0", "uint8"),
  short: verb("number", "0", "uint16"),
  long: verb("number", "0", "uint32"),
  longlong: verb("number", "0", "uint64"),
  shortstr: verb("string", '""', "shortString"),
  longstr: verb("Uint8Array", "NO_BYTES", "longString"),
  text: verb("string", '""', "text"),
  table: {
    type: "FieldTable",
    empty: "{}",
    read: "decodeTable(reader)",
    write: (value) => `encodeTable(writer, ${value})`,
  },
};

function verb(type: string, empty: string, name: string): FieldCode {
  return { type, empty, read: `reader.${name}()`, write: (value) => `writer.${name}(${value})` };
}

const folder = new URL("methods/", import.meta.url);

/** Prints all files of `methods/` by name, formatted. */
export async function generate(): Promise<Map<string, string>> {
  const classes = Object.entries(SPEC);
  const sources = new Map(
    classes.map(([name, spec]) => [`${name}.ts`, classFile(name, spec)]),
  );
  sources.set("mod.ts", modFile(classes));
  return new Map(
    await Promise.all(
      [...sources].map(async ([name, source]) => [name, await format(source)] as const),
    ),
  );
}

/** Names the files of `methods/` that differ from what would be printed. */
export async function outdatedFiles(): Promise<string[]> {
  const outdated: string[] = [];
  for (const [name, source] of await generate()) {
    const there = await Deno.readTextFile(new URL(name, folder)).catch(() => "");
    if (there !== source) outdated.push(`broker/amqp/methods/${name}`);
  }
  return outdated;
}

// One file per class

function classFile(className: string, spec: ClassSpec): string {
  const methods = namedMethods(className, spec);
  const body = methods.map(methodCode).join("\n");
  return `${classHead(className, spec, body)}\n${body}`;
}

function classHead(className: string, spec: ClassSpec, body: string): string {
  const uses = (name: string) => new RegExp(`\\b${name}\\b`).test(body);
  const table = ["decodeTable", "encodeTable", "type FieldTable"]
    .filter((name) => uses(name.replace("type ", "")));
  const imports = [
    uses("ByteReader") && 'import type { ByteReader } from "../byte_reader.ts";',
    uses("ByteWriter") && 'import type { ByteWriter } from "../byte_writer.ts";',
    uses("NO_BYTES") && 'import { NO_BYTES } from "../content.ts";',
    table.length > 0 && `import { ${table.join(", ")} } from "../field_table.ts";`,
  ];
  return `// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class \`${className}\` (${spec.id}): ${spec.about}.
 *
 * @module
 */

${imports.filter(Boolean).join("\n")}
`;
}

function methodCode(method: NamedMethod): string {
  return [interfaceCode(method), makerCode(method), decoderCode(method), encoderCode(method)]
    .join("\n");
}

function interfaceCode({ fullName, typeName, about, visible, bears }: NamedMethod): string {
  const fields = visible.map(({ name, type, about }) =>
    `/** ${about} */\n  readonly ${name}: ${type === "bit" ? "boolean" : FIELD_CODE[type].type};`
  );
  if (bears !== undefined) fields.push(`/** ${bears} */\n  bears?: unknown;`);
  return `
/** \`${fullName}\` ${about}. */
export interface ${typeName} {
  /** Tells it from other methods. */
  readonly name: "${fullName}";
  ${fields.join("\n  ")}
}`;
}

function makerCode({ fullName, typeName, makerName, visible, bears }: NamedMethod): string {
  if (visible.length === 0) {
    return `
/** Makes \`${fullName}\`, which has no fields. */
export function ${makerName}(): ${typeName} {
  return { name: "${fullName}" };
}`;
  }
  const fields = visible.map(({ name, type }) =>
    `${name}: fields.${name} ?? ${type === "bit" ? "false" : FIELD_CODE[type].empty},`
  );
  if (bears !== undefined) fields.push("bears: undefined,");
  return `
/** Makes \`${fullName}\`; what is not given is empty, zero or false. */
export function ${makerName}(fields: Partial<Omit<${typeName}, "name">> = {}): ${typeName} {
  return {
    name: "${fullName}",
    ${fields.join("\n    ")}
  };
}`;
}

function decoderCode({ fullName, typeName, groups, visible, bears }: NamedMethod): string {
  if (groups.length === 0) return "";
  const reads: string[] = [];
  const values: string[] = [];
  for (const group of groups) {
    const [field] = group;
    if (field === undefined) continue;
    if (field.type === "bit") {
      reads.push(...bitReads(group, values, reads.length));
    } else if (field.reserved) {
      reads.push(`${FIELD_CODE[field.type].read}; // reserved`);
    } else {
      reads.push(`const ${localName(field)} = ${FIELD_CODE[field.type].read};`);
      values.push(field.name === localName(field) ? field.name : `${field.name}: arguments_`);
    }
  }
  if (bears !== undefined) values.push("bears: undefined");
  const fields = visible.length === 0 ? "" : `, ${values.join(", ")}`;
  return `
/** Reads the fields of \`${fullName}\`. */
export function decode${typeName}(reader: ByteReader): ${typeName} {
  ${reads.join("\n  ")}
  return { name: "${fullName}"${fields} };
}`;
}

/** Reads an octet of bits; puts what each of them means into `values`. */
function bitReads(group: FieldGroup, values: string[], index: number): string[] {
  if (group.every(({ reserved }) => reserved)) return ["reader.uint8(); // reserved"];
  const octet = values.some((value) => value.includes("bits &")) ? `bits${index}` : "bits";
  group.forEach(({ name, reserved }, bit) => {
    if (!reserved) values.push(`${name}: (${octet} & ${1 << bit}) !== 0`);
  });
  return [`const ${octet} = reader.uint8();`];
}

/** `arguments` cannot be the name of a constant. */
function localName({ name }: Field): string {
  return name === "arguments" ? "arguments_" : name;
}

function encoderCode({ fullName, typeName, groups, visible }: NamedMethod): string {
  if (groups.length === 0) return "";
  const writes = groups.map((group) => {
    const [field] = group;
    if (field === undefined) return "";
    if (field.type === "bit") return `writer.uint8(${bitsValue(group)});`;
    const { write, empty } = FIELD_CODE[field.type];
    return field.reserved ? `${write(empty)}; // reserved` : `${write(`method.${field.name}`)};`;
  });
  const parameter = visible.length === 0 ? "" : `, method: ${typeName}`;
  return `
/** Writes the fields of \`${fullName}\`. */
export function encode${typeName}(writer: ByteWriter${parameter}): void {
  ${writes.join("\n  ")}
}`;
}

function bitsValue(group: FieldGroup): string {
  const bits = group.flatMap(({ name, reserved }, bit) =>
    reserved ? [] : [`(method.${name} ? ${1 << bit} : 0)`]
  );
  return bits.length === 0 ? "0" : bits.join(" | ");
}

// mod.ts

function modFile(classes: readonly (readonly [string, ClassSpec])[]): string {
  const named = classes.map(([name, spec]) => ({ name, spec, methods: namedMethods(name, spec) }));
  // basic first: its methods are most of what is ever decoded and encoded
  const busiestFirst = named.toSorted((a, b) =>
    Number(b.name === "basic") - Number(a.name === "basic")
  );
  const all = named.flatMap(({ methods }) => methods);
  const imports = named.map(({ name, methods }) =>
    `import { ${methods.flatMap(importedNames).join(", ")} } from "./${name}.ts";`
  );
  return `// Printed by codegen.ts from spec.ts: change those instead.

/**
 * All methods: their union, what is known about each, and the codec of any.
 *
 * @module
 */

import { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";
import { TABLE_DEPTH_MAX } from "../constants.ts";
import { AmqpError } from "../error.ts";
${imports.join("\n")}

${named.map(({ name }) => `export * from "./${name}.ts";`).join("\n")}

/** Any method; \`name\` tells which. */
export type Method =
${all.map(({ typeName }) => `  | ${typeName}`).join("\n")};

/** The name of a method, such as \`queue.declare-ok\`. */
export type MethodName = Method["name"];

/** What is known about a method besides its fields. */
export interface MethodFacts {
  /** The class, such as 50 for \`queue\`. */
  readonly classId: number;
  /** The method within its class. */
  readonly methodId: number;
  /** Both as they start the payload of a frame: \`classId * 65536 + methodId\`. */
  readonly id: number;
  /** True when a content header and bodies follow. */
  readonly content: boolean;
  /** Who may send it. */
  readonly sentBy: "client" | "server" | "both";
  /** The methods that may answer it; none for an asynchronous method. */
  readonly replies: readonly MethodName[];
}

/** What is known about each method. */
export const METHODS: Readonly<Record<MethodName, MethodFacts>> = {
${named.flatMap(({ name, spec, methods }) => methods.map((m) => factsCode(name, spec, m))).join("")}
};

function facts(
  classId: number,
  methodId: number,
  sentBy: MethodFacts["sentBy"],
  { content = false, replies = [] }: { content?: boolean; replies?: readonly MethodName[] } = {},
): MethodFacts {
  return { classId, methodId, id: classId * 0x1_0000 + methodId, content, sentBy, replies };
}

const reader = new ByteReader();

/**
 * Decodes a method from the payload of its frame. Octets after its fields are ignored.
 *
 * @param depthMax How deep tables may be nested.
 * @throws {AmqpError} 503 for a method that does not exist, 501 or 502 for fields that cannot be
 * decoded.
 */
export function decodeMethod(
  bytes: Uint8Array,
  start: number,
  end: number,
  depthMax: number = TABLE_DEPTH_MAX,
): Method {
  reader.reset(bytes, start, end);
  reader.depthMax = depthMax;
  const classId = reader.uint16();
  // what peers tell of themselves is for people to read, what others tell is compared
  reader.keepsDoubles = classId !== 10;
  const methodId = reader.uint16();
  switch (classId) {
${
    busiestFirst.map(({ name, spec }) =>
      `    case ${spec.id}: return decode${pascal(name)}Method(methodId);`
    ).join("\n")
  }
    default: throw unknownMethod(classId, methodId);
  }
}
${busiestFirst.map(({ name, spec, methods }) => classDecoderCode(name, spec, methods)).join("\n")}

function unknownMethod(classId: number, methodId: number): AmqpError {
  return new AmqpError(503, "unimplemented method").during({ classId, methodId });
}

/**
 * Writes class id, method id and fields of a method.
 *
 * @throws {TypeError} When a text is too long or a table holds what no table can hold, and a
 * \`RangeError\` when a number does not fit. Nothing is written then.
 */
export function encodeMethod(writer: ByteWriter, method: Method): void {
  const start = writer.length;
  try {
    writer.uint32(METHODS[method.name].id);
    encodeFieldsOf(writer, method);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

function encodeFieldsOf(writer: ByteWriter, method: Method): void {
  switch (method.name) {
${busiestFirst.flatMap(({ methods }) => methods.filter(hasFields)).map(encodeCase).join("\n")}
    default: return; // the others have no fields
  }
}
`;
}

function hasFields({ groups }: NamedMethod): boolean {
  return groups.length > 0;
}

function importedNames(method: NamedMethod): string[] {
  const { typeName, makerName } = method;
  const functions = hasFields(method) ? [`decode${typeName}`, `encode${typeName}`] : [makerName];
  return [`type ${typeName}`, ...functions];
}

function factsCode(className: string, spec: ClassSpec, method: NamedMethod): string {
  const replies = method.replies?.map((reply) => `"${className}.${reply}"`).join(", ");
  const options = [method.content && "content: true", replies && `replies: [${replies}]`]
    .filter(Boolean).join(", ");
  return `  "${method.fullName}": facts(${spec.id}, ${method.id}, "${method.from}"${
    options && `, { ${options} }`
  }),\n`;
}

function classDecoderCode(
  className: string,
  spec: ClassSpec,
  methods: readonly NamedMethod[],
): string {
  const cases = methods.map((method) => {
    const call = hasFields(method) ? `decode${method.typeName}(reader)` : `${method.makerName}()`;
    return `    case ${method.id}: return ${call};`;
  });
  return `
function decode${pascal(className)}Method(methodId: number): Method {
  switch (methodId) {
${cases.join("\n")}
    default: throw unknownMethod(${spec.id}, methodId);
  }
}`;
}

function encodeCase({ fullName, typeName, visible }: NamedMethod): string {
  const argument = visible.length === 0 ? "" : ", method";
  return `    case "${fullName}": return encode${typeName}(writer${argument});`;
}

// The table, read

function namedMethods(className: string, spec: ClassSpec): NamedMethod[] {
  return Object.entries(spec.methods).map(([name, method]) => {
    const typeName = pascal(`${className}-${name}`);
    const fields = parseFields(method.fields ?? "");
    return {
      ...method,
      fullName: `${className}.${name}`,
      typeName,
      makerName: typeName.charAt(0).toLowerCase() + typeName.slice(1),
      groups: groupBits(fields),
      visible: fields.filter(({ reserved }) => !reserved),
    };
  });
}

/** Reads `type name name, type name`. */
function parseFields(fields: string): Field[] {
  if (fields === "") return [];
  return fields.split(", ").flatMap((part) => {
    const [type = "", ...names] = part.split(" ");
    if (!(type === "bit" || type in FIELD_CODE)) {
      throw new TypeError(`Cannot read spec: "${type}" in "${fields}" is no field type`);
    }
    return names.map((name) => ({
      type: type as FieldType,
      name: camel(name),
      about: aboutField(name),
      reserved: name === "reserved",
    }));
  });
}

function aboutField(name: string): string {
  if (name === "reserved") return "";
  const about = FIELDS[name];
  if (about === undefined) throw new TypeError(`Cannot read spec: FIELDS lacks "${name}"`);
  return about;
}

function groupBits(fields: readonly Field[]): FieldGroup[] {
  const groups: Field[][] = [];
  for (const field of fields) {
    const last = groups.at(-1);
    if (field.type === "bit" && last?.[0]?.type === "bit" && last.length < 8) last.push(field);
    else groups.push([field]);
  }
  return groups;
}

function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function pascal(name: string): string {
  return camel(`-${name}`);
}

/** Formats as the project does: the formatter finds its settings from the folder it runs in. */
async function format(source: string): Promise<string> {
  const formatter = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=ts", "-"],
    cwd: new URL(".", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = formatter.output();
  const stdin = formatter.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(source));
  await stdin.close();
  const { success, stdout } = await output;
  if (!success) throw new Error("Cannot format the generated code: deno fmt refused it");
  return new TextDecoder().decode(stdout);
}

async function main(): Promise<number> {
  if (Deno.args.includes("--check")) {
    const outdated = await outdatedFiles();
    for (const name of outdated) console.error(`${name} is not what codegen prints from spec.ts`);
    return outdated.length === 0 ? 0 : 1;
  }
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, source] of await generate()) {
    await Deno.writeTextFile(new URL(name, folder), source);
  }
  return 0;
}

if (import.meta.main) Deno.exit(await main());

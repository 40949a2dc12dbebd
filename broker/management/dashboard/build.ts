// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * Puts the page together: its modules with the chart library in one script, its styles in one file,
 * all as texts of a module, so that the page is there wherever the program is. A program of its own.
 *
 * ```text
 * deno task dashboard [--check]
 * ```
 *
 * @module
 */
const HERE = new URL("./", import.meta.url);
const OUTPUT = new URL("files.ts", HERE);

interface File {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

const files: readonly File[] = [
  { path: "/", type: "text/html; charset=utf-8", text: await read("page/index.html") },
  { path: "/dashboard.js", type: "text/javascript; charset=utf-8", text: await script() },
  { path: "/dashboard.css", type: "text/css; charset=utf-8", text: await styles() },
  { path: "/dashboard.svg", type: "image/svg+xml", text: await read("page/icon.svg") },
];
const made = await print(files);
if (Deno.args.includes("--check")) {
  if (made !== await Deno.readTextFile(OUTPUT).catch(() => "")) {
    console.error("broker/management/dashboard/files.ts is not what the page's sources make: run");
    console.error("deno task dashboard");
    Deno.exit(1);
  }
} else await Deno.writeTextFile(OUTPUT, made);

async function read(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(name, HERE));
}

/** Its modules, and before them the terms under which the library may be passed on. */
async function script(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=browser", "--minify", "page/main.ts"],
    cwd: HERE,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr));
  const licence = await ofLibrary("LICENSE");
  return `/*! Contains uPlot.\n${licence.trim()}\n*/\n${decoder.decode(stdout)}`;
}

async function styles(): Promise<string> {
  return `${await ofLibrary("dist/uPlot.min.css")}\n${await read("page/style.css")}`;
}

/** A file of the chart library's package. */
async function ofLibrary(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(import.meta.resolve(`uplot/${name}`)));
}

async function print(all: readonly File[]): Promise<string> {
  const entries = await Promise.all(all.map(async ({ path, type, text }) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    const tag = new Uint8Array(digest).toHex().slice(0, 16);
    const values = { path, type, tag, text };
    const lines = Object.entries(values).map(([name, value]) => `    ${name}: ${quote(value)},`);
    return ["  {", ...lines, "  },"].join("\n");
  }));
  return [
    "// Made by `deno task dashboard` of what is in page/: change that.",
    "",
    "/** What the page consists of. */",
    "export const FILES: readonly {",
    "  readonly path: string;",
    "  readonly type: string;",
    "  /** Changes with the text. */",
    "  readonly tag: string;",
    "  readonly text: string;",
    "}[] = [",
    ...entries,
    "];",
    "",
  ].join("\n");
}

/** A text as source. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

import { assertEquals } from "@std/assert";

/**
 * The house and its layers: a file imports from its own folder and from what its row names, never
 * upwards. ARCHITECTURE.md draws the same.
 *
 * @module
 */

/** What the rest speaks of: files, not folders. */
const LEAVES = [
  "broker/alarms.ts",
  "broker/heap_guard.ts",
  "broker/memory_watch.ts",
  "broker/message.ts",
  "broker/pages.ts",
  "broker/profiles.ts",
  "broker/reading_turns.ts",
  "broker/stats.ts",
  "broker/version.ts",
];
const SHARED = ["broker/amqp/", ...LEAVES];

/** Folders and files, and what each may import from outside itself. The longest name that fits wins. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "broker/amqp/": [],
  "broker/alarms.ts": ["broker/amqp/"],
  "broker/machine.ts": ["broker/amqp/built_in.ts"],
  "broker/memory_watch.ts": ["broker/amqp/", "broker/alarms.ts", "broker/machine.ts"],
  "broker/heap_guard.ts": ["broker/amqp/", "broker/alarms.ts", "broker/memory_watch.ts"],
  "broker/disk_watch.ts": ["broker/amqp/", "broker/alarms.ts", "broker/machine.ts"],
  "broker/pages.ts": ["broker/reading_turns.ts"],
  "broker/profiles.ts": [],
  "broker/reading_turns.ts": ["broker/amqp/"],
  "broker/stats.ts": [],
  "broker/version.ts": [],
  "broker/events.ts": ["broker/amqp/"],
  "broker/message.ts": ["broker/amqp/", "broker/pages.ts"],
  "client/": ["broker/amqp/"],
  "broker/net/": ["broker/amqp/"],
  "broker/routing/": SHARED,
  "broker/auth/": [...SHARED, "broker/events.ts", "broker/pattern/", "broker/policy/"],
  "broker/pattern/": [],
  "broker/policy/": ["broker/amqp/", "broker/pattern/"],
  "broker/store/": ["broker/amqp/"],
  "broker/testing/": ["broker/amqp/", "broker/store/"],
  "broker/queue/": [...SHARED, "broker/store/"],
  "broker/vhost/": [
    ...SHARED,
    "broker/events.ts",
    "broker/policy/",
    "broker/store/",
    "broker/routing/",
    "broker/queue/",
  ],
  "broker/connection/": [
    ...SHARED,
    "broker/events.ts",
    "broker/auth/",
    "broker/queue/",
    "broker/vhost/",
  ],
  "broker/options.ts": [
    ...SHARED,
    "broker/machine.ts",
    "broker/store/",
    "broker/routing/",
    "broker/auth/",
  ],
  "broker/resources.ts": [
    ...SHARED,
    "broker/disk_watch.ts",
    "broker/events.ts",
    "broker/machine.ts",
    "broker/options.ts",
  ],
  "broker/json_arguments.ts": [...SHARED, "broker/policy/"],
  "broker/operator_options.ts": ["broker/amqp/", "broker/auth/", "broker/policy/", "broker/vhost/"],
  "broker/operator_info.ts": ["broker/policy/", "broker/operator_options.ts"],
  "broker/virtual_hosts.ts": [
    ...SHARED,
    "broker/events.ts",
    "broker/policy/",
    "broker/store/",
    "broker/vhost/",
  ],
  "broker/definition_sections.ts": ["broker/policy/"],
  "broker/definitions.ts": [
    ...SHARED,
    "broker/auth/",
    "broker/policy/",
    "broker/routing/",
    "broker/queue/",
    "broker/vhost/",
    "broker/definition_sections.ts",
    "broker/json_arguments.ts",
    "broker/virtual_hosts.ts",
  ],
  "broker/server.ts": ["broker/amqp/", "broker/net/", "broker/connection/"],
  "broker/operator/": [
    ...SHARED,
    "broker/auth/",
    "broker/policy/",
    "broker/store/",
    "broker/routing/",
    "broker/queue/",
    "broker/vhost/",
    "broker/connection/",
    "broker/definition_sections.ts",
    "broker/definitions.ts",
    "broker/json_arguments.ts",
    "broker/operator_info.ts",
    "broker/operator_options.ts",
    "broker/virtual_hosts.ts",
  ],
  "broker/node_info.ts": [
    ...SHARED,
    "broker/vhost/",
    "broker/operator_info.ts",
    "broker/options.ts",
    "broker/resources.ts",
  ],
  "broker/session.ts": ["client/"],
  "broker/server_properties.ts": [...SHARED, "broker/vhost/", "broker/connection/"],
  "broker/opened_store.ts": ["broker/store/", "broker/options.ts"],
  "broker/stored_users.ts": [
    ...SHARED,
    "broker/events.ts",
    "broker/auth/",
    "broker/store/",
    "broker/vhost/",
    "broker/options.ts",
  ],
  "broker/connection_gate.ts": ["broker/amqp/"],
  "broker/user_connections.ts": [
    ...SHARED,
    "broker/auth/",
    "broker/policy/",
    "broker/connection/",
  ],
  "broker/entrance.ts": [
    ...SHARED,
    "client/",
    "broker/auth/",
    "broker/vhost/",
    "broker/connection/",
    "broker/connection_gate.ts",
    "broker/options.ts",
    "broker/resources.ts",
    "broker/server.ts",
    "broker/session.ts",
    "broker/server_properties.ts",
    "broker/sockets.ts",
    "broker/user_connections.ts",
    "broker/virtual_hosts.ts",
  ],
  "broker/reset.ts": [
    "broker/amqp/",
    "broker/auth/",
    "broker/operator/",
    "broker/store/",
    "broker/vhost/",
    "broker/virtual_hosts.ts",
  ],
  "broker/held_messages.ts": [...SHARED, "broker/queue/", "broker/vhost/", "broker/connection/"],
  "broker/sockets.ts": ["broker/amqp/", "broker/net/", "broker/connection/"],
  "broker/listeners.ts": [
    "broker/auth/",
    "broker/net/",
    "broker/entrance.ts",
    "broker/operator_info.ts",
    "broker/options.ts",
    "broker/server.ts",
  ],
  "broker/serving.ts": [
    "broker/amqp/",
    "broker/entrance.ts",
    "broker/listeners.ts",
    "broker/operator/",
    "broker/vhost/",
    "broker/virtual_hosts.ts",
  ],
  "broker/broker_parts.ts": [
    ...SHARED,
    "broker/auth/",
    "broker/stored_users.ts",
    "broker/store/",
    "broker/routing/",
    "broker/queue/",
    "broker/vhost/",
    "broker/events.ts",
    "broker/entrance.ts",
    "broker/held_messages.ts",
    "broker/listeners.ts",
    "broker/opened_store.ts",
    "broker/operator/",
    "broker/operator_info.ts",
    "broker/node_info.ts",
    "broker/options.ts",
    "broker/reset.ts",
    "broker/resources.ts",
    "broker/virtual_hosts.ts",
    "broker/serving.ts",
  ],
  "broker/broker.ts": [
    "broker/alarms.ts",
    "broker/amqp/",
    "client/",
    "broker/auth/",
    "broker/broker_parts.ts",
    "broker/policy/",
    "broker/queue/",
    "broker/net/",
    "broker/vhost/",
    "broker/definition_sections.ts",
    "broker/events.ts",
    "broker/operator/",
    "broker/operator_info.ts",
    "broker/operator_options.ts",
    "broker/options.ts",
    "broker/session.ts",
    "broker/server.ts",
  ],
  "broker/http/": [
    "broker/amqp/",
    "broker/auth/authenticator.ts",
    "broker/connection_gate.ts",
    "broker/mod.ts",
    "broker/net/",
    "@hono/node-server",
  ],
  "broker/management/": [
    "broker/http/",
    "broker/amqp/",
    "broker/auth/authenticator.ts",
    "broker/auth/permissions.ts",
    "broker/auth/turns.ts",
    "broker/json_arguments.ts",
    "broker/mod.ts",
    "broker/pattern/",
    "client/",
    "hono",
  ],
  "broker/prometheus/": [
    "broker/amqp/",
    "broker/http/",
    "broker/mod.ts",
    "broker/pattern/",
  ],
  "broker/management/dashboard/page/": ["uplot"],
  "broker/mod.ts": [
    "broker/alarms.ts",
    "broker/amqp/",
    "broker/definition_sections.ts",
    "broker/events.ts",
    "broker/policy/",
    "broker/queue/",
    "broker/vhost/",
    "broker/operator_info.ts",
    "broker/operator_options.ts",
    "broker/store/",
    "broker/net/",
    "broker/routing/",
    "broker/auth/",
    "broker/broker.ts",
    "broker/options.ts",
    "broker/profiles.ts",
    "broker/server.ts",
    "broker/session.ts",
  ],
  "broker/opentelemetry/": ["broker/amqp/", "@opentelemetry/api"],
  "broker/oauth/": ["broker/amqp/", "broker/auth/", "jose"],
  "broker/cli/": [
    ...SHARED,
    "broker/oauth/",
    "client/",
    "broker/store/",
    "broker/net/",
    "broker/auth/",
    "broker/vhost/",
    "broker/broker.ts",
    "broker/events.ts",
    "broker/machine.ts",
    "broker/sockets.ts",
    "broker/http/",
    "broker/management/",
    "broker/opentelemetry/",
    "broker/options.ts",
    "broker/policy/",
    "broker/prometheus/",
    "broker/server.ts",
    "@std/cli",
    "@std/streams",
  ],
  "broker/main.ts": ["broker/cli/"],
  "mod.ts": ["broker/mod.ts", "client/mod.ts", "broker/amqp/"],
};

/** Where the runtime and its built-in modules may be used. */
const RUNTIME = [
  "broker/machine.ts",
  "broker/http/file_descriptors.ts",
  "broker/http/server.ts",
  "broker/management/server.ts",
  "broker/net/",
  "broker/store/directory_lock.ts",
  "broker/cli/",
  "broker/main.ts",
  "client/dial.ts",
];
/** Programs of their own, which nothing imports; what they print looks like imports of their own. */
const CODEGEN = "broker/amqp/codegen.ts";
const PROGRAMS = [CODEGEN, "broker/management/dashboard/build.ts"];
/** What a browser runs: only the text that is made of it is part of the broker. */
const PAGE = "broker/management/dashboard/page/";
/** Where `node:` modules may be imported. */
const NODE = [
  "broker/machine.ts",
  "broker/store/file_system.ts",
  "broker/net/",
  "broker/auth/",
  "broker/http/",
  "broker/amqp/built_in.ts",
  "broker/amqp/pem.ts",
  "broker/amqp/revocations.ts",
  "broker/amqp/tls_stream.ts",
  "client/dial.ts",
  "client/dial_tls.ts",
];

const ROOT = new URL("../", import.meta.url);

/** An import as it stands in a source: what is imported, resolved when it is a path. */
interface Import {
  readonly specifier: string;
  /** From the project's root; the specifier itself when it is no path. */
  readonly target: string;
}

/** The imports of a source, those of types included; examples in comments are none. */
function importsOf(path: string, source: string): Import[] {
  const statements = /^(?:import|export)\b(?:[^;"']*?\bfrom)?\s*"([^"]+)"/gm;
  const dynamic = /\bimport\(\s*"([^"]+)"/g;
  return [...source.matchAll(statements), ...withoutComments(source).matchAll(dynamic)]
    .map((match) => {
      const specifier = match[1]!;
      const isPath = specifier.startsWith(".") || specifier.startsWith("/");
      const target = isPath ? new URL(specifier, `file:///${path}`).pathname.slice(1) : specifier;
      return { specifier, target };
    });
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** The row of {@linkcode MAY_IMPORT} that a file belongs to. */
function rowOf(path: string): string | undefined {
  return Object.keys(MAY_IMPORT)
    .filter((name) => name === path || (name.endsWith("/") && path.startsWith(name)))
    .sort((one, other) => other.length - one.length)[0];
}

/** What a file imports although its row does not name it. */
function forbiddenImports(path: string, source: string): string[] {
  const row = rowOf(path);
  if (row === undefined) return ["everything: it has no row"];
  const allowed = row.endsWith("/") ? [row, ...MAY_IMPORT[row]!] : MAY_IMPORT[row]!;
  return importsOf(path, source)
    .map(({ target }) => target)
    .filter((target) => !target.startsWith("node:"))
    .filter((target) =>
      !allowed.some((name) => name === target || (name.endsWith("/") && target.startsWith(name)))
    );
}

async function* sourcesIn(folder: string): AsyncGenerator<[path: string, source: string]> {
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* sourcesIn(`${path}/`);
    else if (path.endsWith(".ts")) yield [path, await Deno.readTextFile(new URL(path, ROOT))];
  }
}

async function allSources(): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const folder of ["broker/", "client/"]) {
    for await (const [path, source] of sourcesIn(folder)) {
      if (!PROGRAMS.includes(path)) sources.set(path, source);
    }
  }
  sources.set("mod.ts", await Deno.readTextFile(new URL("mod.ts", ROOT)));
  return sources;
}

/** The files that a program gets when it imports one of them. */
function reachedFrom(start: string, sources: ReadonlyMap<string, string>): Set<string> {
  const reached = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const { specifier, target } of importsOf(path, sources.get(path) ?? "")) {
      if (specifier.startsWith(".")) waiting.push(target);
    }
  }
  return reached;
}

/** Those that are loaded with it: neither types nor what is imported when it is needed. */
function loadedWith(start: string, sources: ReadonlyMap<string, string>): Set<string> {
  const values = /^(?:import|export)\b(?!\s+type\b)(?:[^;"']*?\bfrom)?\s*"(\.[^"]+)"/gm;
  const loaded = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    for (const [, specifier] of sources.get(path)!.matchAll(values)) {
      waiting.push(new URL(specifier!, `file:///${path}`).pathname.slice(1));
    }
  }
  return loaded;
}

const sources = await allSources();

Deno.test("every file imports only from its own layer and those below", () => {
  const forbidden = [...sources].flatMap(([path, source]) =>
    forbiddenImports(path, source).map((target) => `${path} imports ${target}`)
  );
  assertEquals(forbidden, []);
});

Deno.test("no folders import each other in a circle", () => {
  const above = new Map<string, Set<string>>();
  for (const [path, source] of sources) {
    const from = rowOf(path) ?? path;
    const targets = above.get(from) ?? new Set();
    above.set(from, targets);
    for (const { target } of importsOf(path, source)) {
      const to = rowOf(target);
      if (to !== undefined && to !== from) targets.add(to);
    }
  }
  const circles: string[] = [];
  const visit = (row: string, way: readonly string[]) => {
    const at = way.indexOf(row);
    if (at >= 0) circles.push([...way.slice(at), row].join(" > "));
    else for (const next of above.get(row) ?? []) visit(next, [...way, row]);
  };
  for (const row of above.keys()) visit(row, []);
  assertEquals(circles, []);
});

Deno.test("a file hides its members in one way: by #, or by private where each message passes", () => {
  const words = "(?:(?:static|declare|readonly|get|set|async|override|accessor) )*";
  const line = (pattern: string) => new RegExp(`^ {2}${pattern}`, "m");
  const byName = line(`${words}\\*? ?#\\w`);
  const byType = line(`private ${words}\\*?_\\w`);
  const others = [
    line(`private (?!${words}\\*?(?:_|constructor\\())`),
    line(`${words}protected ${words}\\*?_\\w`),
    line(`${words}\\*?_\\w+[?!]?[:;(<]`),
    line(`${words}\\*?_\\w+ = `),
  ];
  assertEquals(sources.get("broker/queue/queue.ts")!.match(byType)?.length, 1, "it is looked at");
  const isMixed = (source: string) =>
    (byName.test(source) && byType.test(source)) || others.some((other) => other.test(source));
  const mixed = [...sources].filter(([, source]) => isMixed(source)).map(([path]) => path);
  assertEquals(mixed, []);
  const wrong = [
    "#a = 1;\n  private _b = 2",
    "private a",
    "readonly _a: number",
    "_a = 1",
    "_a() {}",
  ];
  for (const members of wrong) assertEquals(isMixed(`class C {\n  ${members};\n}`), true, members);
  for (const members of ["#a = 1", "private _a = 1", "private constructor() {}", "a = 1"]) {
    assertEquals(isMixed(`class C {\n  ${members};\n}`), false, members);
  }
});

Deno.test("what mod.ts reaches imports relative paths, and node: where it may", () => {
  const reached = reachedFrom("mod.ts", sources);
  assertEquals(reached.has("broker/connection/handlers/basic.ts"), true, "it is all looked at");
  assertEquals(reached.has("broker/main.ts"), false);
  assertEquals(reached.has("broker/management/mod.ts"), false);
  const wrong = [...reached].flatMap((path) =>
    importsOf(path, sources.get(path) ?? "")
      .filter(({ specifier, target }) =>
        specifier.startsWith("node:")
          ? !NODE.some((name) => path.startsWith(name))
          : !specifier.startsWith(".") || !specifier.endsWith(".ts") || !sources.has(target)
      )
      .map(({ specifier }) => `${path} imports ${specifier}`)
  );
  assertEquals(wrong, []);
});

Deno.test("a program that connects to its own broker alone loads nothing that speaks to sockets", () => {
  const loaded = loadedWith("mod.ts", sources);
  assertEquals(loaded.has("broker/amqp/memory_link.ts"), true, "it is all looked at");
  const spoken = ["broker/amqp/wire_link.ts", "client/recovery/recovery.ts", "client/dial.ts"];
  const listening = [...loaded].filter((path) => /\/(handshake|listener)\.ts$/.test(path));
  assertEquals([...spoken.filter((path) => loaded.has(path)), ...listening], []);
});

Deno.test("the served broker has loaded what speaks to sockets when it listens", () => {
  assertEquals(loadedWith("broker/cli/serve.ts", sources).has("broker/net/listener.ts"), true);
});

Deno.test("what client/websocket.ts reaches runs in a browser", () => {
  const reached = reachedFrom("client/websocket.ts", sources);
  assertEquals(reached.has("broker/amqp/wire_link.ts"), true, "it is all looked at");
  const wrong = [...reached].filter((path) => {
    const source = sources.get(path)!;
    return /\b(Deno|process|Buffer)\./.test(withoutComments(source)) ||
      importsOf(path, source).some(({ specifier }) => !specifier.startsWith("."));
  });
  assertEquals(wrong, []);
});

Deno.test("the runtime is used by name in the few files that meet the world", () => {
  const using = [...sources]
    .filter(([, source]) => /\bDeno\.|\bprocess\./.test(withoutComments(source)))
    .map(([path]) => path)
    .filter((path) => !RUNTIME.some((name) => path.startsWith(name)));
  assertEquals(using, []);
});

Deno.test("nothing imports the programs that print sources, nor what a browser runs", () => {
  const apart = (target: string) => PROGRAMS.includes(target) || target.startsWith(PAGE);
  const importers = [...sources]
    .filter(([path, source]) =>
      !path.startsWith(PAGE) && importsOf(path, source).some(({ target }) => apart(target))
    )
    .map(([path]) => path);
  assertEquals(importers, []);
});

Deno.test("every row of the layers is a file or a folder that exists", () => {
  const missing = Object.keys(MAY_IMPORT)
    .filter((name) => ![...sources.keys()].some((path) => path.startsWith(name)));
  assertEquals(missing, []);
});

Deno.test("an import that a layer does not allow is found, however it is written", () => {
  const source = [
    'import { AmqpError } from "../broker/amqp/error.ts";',
    'import type {\n  Queue,\n} from "../broker/queue/queue.ts";',
    'export * from "../broker/mod.ts";',
    'import "../broker/main.ts";',
    'import { parseArgs } from "@std/cli";',
    'import process from "node:process";',
    ' * import { Broker } from "@warren/amqp";',
    'const later = await import("../broker/cli/log.ts");',
    '// const never = await import("../broker/cli/never.ts");',
  ].join("\n");
  assertEquals(forbiddenImports("client/some.ts", source), [
    "broker/queue/queue.ts",
    "broker/mod.ts",
    "broker/main.ts",
    "@std/cli",
    "broker/cli/log.ts",
  ]);
  assertEquals(forbiddenImports("elsewhere/some.ts", ""), ["everything: it has no row"]);
  assertEquals(rowOf("broker/amqp/methods/tx.ts"), "broker/amqp/");
});

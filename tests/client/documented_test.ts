/**
 * The page about the client names every option, event and error that there is.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** Interfaces whose fields a program gives or gets, and in which part of the page they are. */
const SECTIONS: Readonly<Record<string, string>> = {
  ConnectOptions: "Connecting",
  ClientTlsOptions: "Connecting",
  RecoveryOptions: "When the connection is lost",
  ClientEventMap: "When the connection is lost",
  PublisherOptions: "Publishing",
  MessageOptions: "Publishing",
  ConsumerOptions: "Consuming",
  RpcOptions: "Calls",
  RpcCallOptions: "Calls",
  ServeOptions: "Calls",
  Codec: "Bodies",
};

interface Declaration {
  readonly kind: string;
  readonly def: {
    readonly properties?: readonly { readonly name: string }[];
    readonly methods?: readonly { readonly name: string }[];
    readonly extends?: unknown;
  };
}

interface Symbols {
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly Declaration[];
  }[];
}

async function symbols(): Promise<Symbols["symbols"]> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", new URL("client/mod.ts", ROOT).pathname],
  }).output();
  assert(success);
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Record<string, Symbols>;
  };
  return Object.values(nodes)[0]!.symbols;
}

Deno.test("the client's page names every option, event and error", async () => {
  const page = await Deno.readTextFile(new URL("docs/client.md", ROOT));
  const parts = new Map(
    page.split(/^## /m).slice(1).map((part) => [part.slice(0, part.indexOf("\n")), part]),
  );
  const all = await symbols();
  const missing: string[] = [];
  for (const [name, title] of Object.entries(SECTIONS)) {
    const declaration = all.find((symbol) => symbol.name === name)?.declarations[0];
    assertEquals(declaration?.kind, "interface", name);
    const { properties = [], methods = [] } = declaration!.def;
    assert(properties.length > 0, name);
    for (const field of [...properties, ...methods]) {
      if (!parts.get(title)?.includes(`\`${field.name}\``)) missing.push(`${name}.${field.name}`);
    }
  }
  for (const { name, declarations } of all) {
    const isError = declarations[0]!.kind === "class" && name.endsWith("Error");
    if (isError && !parts.get("Errors")?.includes(`\`${name}\``)) missing.push(name);
    // options that are added later are in no section until somebody says in which
    const isOptions = declarations[0]!.kind === "interface" && name.endsWith("Options");
    if (isOptions && !(name in SECTIONS) && !CHANNEL_OPTIONS.has(name)) missing.push(name);
  }
  const channels = parts.get("Channels")!;
  for (const name of CHANNEL_OPTIONS) {
    const { def } = all.find((symbol) => symbol.name === name)!.declarations[0]!;
    for (const field of def.properties ?? []) {
      const named = channels.includes(`\`${field.name}\``) || field.name === "signal";
      if (!named) missing.push(`${name}.${field.name}`);
    }
  }
  assertEquals(missing, []);
});

/** What the methods of a channel take: the protocol's own words, which are listed in one place. */
const CHANNEL_OPTIONS: ReadonlySet<string> = new Set([
  "AckOptions",
  "CallOptions",
  "ConsumeOptions",
  "ExchangeBindOptions",
  "ExchangeDeclareOptions",
  "ExchangeDeleteOptions",
  "FlowOptions",
  "GetOptions",
  "NackOptions",
  "PublishOptions",
  "QosOptions",
  "QueueBindOptions",
  "QueueDeclareOptions",
  "QueueDeleteOptions",
  "RejectOptions",
]);

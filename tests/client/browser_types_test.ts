import { assertEquals } from "@std/assert";

const ENTRY = new URL("../../client/websocket.ts", import.meta.url).href;
const PAGE = `import { connect, RpcError } from "${ENTRY}";
await using connection = await connect("wss://broker.example");
const square = await connection.rpc<number, number>("square");
document.title = await square.call(2).then(String, (error) => error instanceof RpcError ? "no" : "?");
`;

Deno.test("a page, which has a browser's types alone, type-checks with the client for browsers", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const config = { compilerOptions: { lib: ["dom", "dom.iterable", "esnext"], strict: true } };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    await Deno.writeTextFile(`${folder}/page.ts`, PAGE);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "check",
        "--quiet",
        "--no-lock",
        "--config",
        `${folder}/deno.json`,
        `${folder}/page.ts`,
      ],
      stderr: "piped",
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

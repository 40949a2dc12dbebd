import { assertEquals } from "@std/assert";

const PROGRAM = `
import { Broker, connect } from "MODULE";

await using broker = new Broker();
await using server = await broker.listen({ port: 0 });
const bodies = [];
for (
  const connection of [
    await broker.connect(),
    await connect(\`amqp://guest:guest@127.0.0.1:\${server.port}\`),
  ]
) {
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare();
  await channel.basicPublish({ routingKey: queue, properties: { headers: { n: 1 } } }, "hello");
  for await (const delivery of await channel.basicConsume(queue)) {
    bodies.push(delivery.text());
    delivery.ack();
    break;
  }
  await connection.close();
}
console.log(bodies.join());
`;

/** The strictest there are: what is imported by path is checked with the project's own. */
const compilerOptions = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  useUnknownInCatchVariables: true,
  verbatimModuleSyntax: true,
};

Deno.test("a project elsewhere imports mod.ts by path, with nothing installed and no network", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const module = new URL("../mod.ts", import.meta.url);
    await Deno.writeTextFile(`${directory}/deno.json`, JSON.stringify({ compilerOptions }));
    await Deno.writeTextFile(`${directory}/main.ts`, PROGRAM.replace("MODULE", module.href));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--check", "--no-remote", "--no-npm", "--allow-net=127.0.0.1", "main.ts"],
      cwd: directory,
      env: { NO_COLOR: "1", DENO_DIR: `${directory}/cache` },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stdout)], [0, "hello,hello\n"], decoder.decode(stderr));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

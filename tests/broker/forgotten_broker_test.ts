import { assertEquals } from "@std/assert";
import { within } from "../support/within.ts";

const PROGRAM = `
const { Broker } = await import("MODULE");
const connection = await new Broker().connect();
const channel = await connection.openChannel();
await channel.queueDeclare("unused", { arguments: { "x-expires": 3_600_000 } });
await channel.queueDeclare("aging", {
  durable: true,
  arguments: { "x-queue-type": "stream", "x-max-age": "1h" },
});
console.log("done");
`;

Deno.test("a program that forgets its broker ends, though a queue waits for its end and a stream for old messages", async () => {
  const directory = await Deno.makeTempDir();
  const module = new URL("../../mod.ts", import.meta.url);
  await Deno.writeTextFile(`${directory}/main.js`, PROGRAM.replace("MODULE", module.href));
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-remote", "--no-npm", "--allow-read", "main.js"],
    cwd: directory,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = program.output();
  try {
    const { code, stdout, stderr } = await within(300_000, output, () => "the end of a program");
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stdout)], [0, "done\n"], decoder.decode(stderr));
  } catch (error) {
    program.kill();
    await output;
    throw error;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

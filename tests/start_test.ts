import { assertEquals } from "@std/assert";

/** What Deno loads when somebody looks at it for the first time: each takes 1 to 8 ms. */
const LOADED_LATE = [
  "Blob",
  "Buffer",
  "CompressionStream",
  "FormData",
  "Headers",
  "ReadableStream",
  "clearTimeout",
  "process",
  "setImmediate",
  "setInterval",
  "setTimeout",
];

const PROGRAM = `
const looked = new Set();
for (const name of ${JSON.stringify(LOADED_LATE)}) {
  const { get, value } = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get() {
      looked.add(name);
      return get === undefined ? value : get.call(globalThis);
    },
  });
}
// so that a slow machine is none
performance.now = () => 1;
const { Broker } = await import("MODULE");
const broker = new Broker();
const connection = await broker.connect();
const channel = await connection.openChannel();
const { queue } = await channel.queueDeclare("");
const delivered = Promise.withResolvers();
await channel.basicConsume(queue, { noAck: true }, delivered.resolve);
channel.basicPublish({ routingKey: queue }, "hello");
await delivered.promise;
console.log(JSON.stringify([...looked]));
Deno.exit();
`;

Deno.test("a program gets to its first delivery without what Deno loads late", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const module = new URL("../mod.ts", import.meta.url);
    await Deno.writeTextFile(`${directory}/main.js`, PROGRAM.replace("MODULE", module.href));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--no-remote", "--no-npm", "--allow-read", "main.js"],
      cwd: directory,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stdout)], [0, "[]\n"], decoder.decode(stderr));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

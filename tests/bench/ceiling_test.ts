import { assertEquals } from "@std/assert";
import { connect } from "@warren/amqp";
import { BackgroundProcess } from "../interop/background_process.ts";

const CEILING = new URL("../../bench/tools/ceiling.ts", import.meta.url).pathname;
const START_MS = 60_000;

/** Starts the ceiling and connects to it. */
async function open(stack: AsyncDisposableStack, ...args: readonly string[]) {
  const ceiling = stack.use(
    new BackgroundProcess({
      command: Deno.execPath(),
      args: ["run", "-A", CEILING, "--port", "0", ...args],
    }),
  );
  const [uri] = await ceiling.waitForOutput(/amqp:\S+/, START_MS);
  const connection = stack.use(await connect(uri.replace("//", "//guest:guest@")));
  return await connection.openChannel();
}

Deno.test("the ceiling hands on bodies of one frame and of several, in order", async () => {
  await using stack = new AsyncDisposableStack();
  const channel = await open(stack);
  await channel.queueDeclare("q");
  const sizes = [16, 1024 * 1024, 64 * 1024, 300_000, 1];
  const all = Promise.withResolvers<void>();
  const came: number[] = [];
  let wrong = 0;
  // the ceiling calls every consumer so
  await channel.basicConsume("q", { noAck: true, consumerTag: "t" }, ({ body }) => {
    if (body.some((octet) => octet !== sizes.length)) wrong++;
    if (came.push(body.length) === sizes.length) all.resolve();
  });
  for (const size of sizes) {
    await channel.basicPublish({ routingKey: "q" }, new Uint8Array(size).fill(sizes.length));
  }
  await all.promise;
  assertEquals(came, sizes);
  assertEquals(wrong, 0);
});

Deno.test("the ceiling with --sync-in confirms what it has appended to its file", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const channel = await open(stack, "--sync-in", directory);
  await channel.confirmSelect();
  const marker = "a body that is looked for";
  for (let count = 0; count < 100; count++) {
    await channel.basicPublish({ routingKey: "q" }, new TextEncoder().encode(marker));
  }
  await channel.waitForConfirms();
  using file = await Deno.open(`${directory}/ceiling.log`);
  const start = new Uint8Array(64 * 1024);
  await file.read(start);
  assertEquals(new TextDecoder().decode(start).split(marker).length - 1, 100);
});

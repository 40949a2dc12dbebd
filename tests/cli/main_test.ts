import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { tcpTransport } from "../../broker/amqp/transport.ts";
import { connectionCloseOk } from "../../broker/amqp/methods/mod.ts";
import { WARREN_VERSION } from "../../broker/version.ts";
import { connect } from "../../client/connect.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { Program, ROOT } from "./program.ts";

/** All that serving needs, as the documentation says. */
const LEAST = ["--allow-net=127.0.0.1,[::1]"];

const HAS_IPV6 = canListen("::1");

/** Starts the program on a free port; tells which, and all that it printed. */
async function serve(program: Program): Promise<{ port: number; lines: string[] }> {
  const lines = await program.linesUntil(/^Server startup complete/);
  const port = Number(/^ {2}amqp:\/\/127\.0\.0\.1:(\d+)$/m.exec(lines.join("\n"))?.[1]);
  return { port, lines };
}

Deno.test("broker/main.ts --help tells how it is used, without any permission", async () => {
  await using program = new Program([], "--help");
  const { code, stdout, stderr } = await program.ended();
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^Usage: deno run -A broker\/main\.ts \[options\]\n/);
});

Deno.test("broker/main.ts --version prints the version that deno.json has", async () => {
  await using program = new Program([], "--version");
  const { code, stdout, stderr } = await program.ended();
  assertEquals([code, stdout, stderr], [0, `warren ${WARREN_VERSION}\n`, ""]);
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  assertEquals(config.version, WARREN_VERSION);
});

const REFUSED: readonly (readonly [args: readonly string[], code: number, complaint: RegExp])[] = [
  [["--bogus"], 2, /^warren: unknown argument '--bogus' \(--help shows what there is\)\n$/],
  [["--port", "99999"], 2, /^warren: --port takes a number from 0 to 65535, not '99999' \(.*\)\n$/],
  [["--log-level", "loud"], 2, /^warren: --log-level takes .*, not 'loud' \(.*\)\n$/],
  [["--host", "192.0.2.1"], 1, /^warren: no such address here: 192\.0\.2\.1:5672\n$/],
  [
    ["--host", "no.such.host.invalid"],
    1,
    /^warren: cannot listen on no\.such\.host\.invalid:.*\n$/,
  ],
];

for (const [args, expected, complaint] of REFUSED) {
  Deno.test(`broker/main.ts ${args.join(" ")} ends with ${expected} and one line`, async () => {
    await using program = new Program(["--allow-net"], ...args);
    const { code, stdout, stderr } = await program.ended();
    assertEquals([code, stdout], [expected, ""]);
    assertMatch(stderr, complaint);
  });
}

Deno.test("broker/main.ts says in one line that its port is in use", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using program = new Program(LEAST, "--port", `${port}`);
  const { code, stdout, stderr } = await program.ended();
  assertEquals([code, stdout], [1, ""]);
  assertEquals(
    stderr,
    `warren: port ${port} is in use: stop the other program or choose another one with --port\n`,
  );
});

Deno.test({
  name: "broker/main.ts does not share a port with a program that has only the other loopback",
  ignore: !HAS_IPV6,
  fn: async () => {
    using listener = Deno.listen({ hostname: "::1", port: 0 });
    const { port } = listener.addr;
    await using program = new Program(LEAST, "--port", `${port}`);
    const { code, stdout, stderr } = await program.ended();
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, `port ${port} is in use`);
  },
});

Deno.test("broker/main.ts says in one line that it may not listen", async () => {
  await using program = new Program([], "--port", "0");
  const { code, stdout, stderr } = await program.ended();
  assertEquals([code, stdout, stderr], [1, "", "warren: not allowed to listen on 127.0.0.1:0\n"]);
});

Deno.test("broker/main.ts serves with the least permissions, on both loopback addresses", async () => {
  await using program = new Program(LEAST, "--port", "0", "--log-level", "none");
  const { port, lines } = await serve(program);
  assertEquals(lines, [
    `Warren ${WARREN_VERSION} serves AMQP 0-9-1 on`,
    `  amqp://127.0.0.1:${port}`,
    ...HAS_IPV6 ? [`  amqp://[::1]:${port}`] : [],
    "Log in as guest with the password guest, from this machine.",
    "Everything is in memory: nothing survives a restart.",
    "Server startup complete; Ctrl+C stops it.",
  ]);
  for (const host of HAS_IPV6 ? ["127.0.0.1", "[::1]"] : ["127.0.0.1"]) {
    await using connection = await connect(`amqp://guest:guest@${host}:${port}`);
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    await channel.basicPublish({ routingKey: "q" }, host);
    assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), host);
  }
  program.signal("SIGTERM");
  const { code, stderr } = await program.ended();
  assertEquals([code, stderr], [0, ""]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`broker/main.ts closes its connections with 320 on ${signal}, and ends with 0`, async () => {
    await using program = new Program(LEAST, "--port", "0");
    const { port } = await serve(program);
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await using peer = new RawPeer(tcpTransport(connection));
    await peer.login();
    program.signal(signal);
    const close = await peer.expect(0, "connection.close");
    assertEquals(
      [close.replyCode, close.replyText],
      [320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"],
    );
    await peer.send(0, connectionCloseOk());
    await peer.expectEnd();
    const { code, stderr } = await program.ended();
    assertEquals(code, 0);
    assertStringIncludes(stderr, `[info] ${signal} came: closing all connections\n`);
  });
}

Deno.test("broker/main.ts logs what happens to standard error, as much as it is told", async () => {
  await using program = new Program(LEAST, "--port", "0", "--log-level", "warning");
  const { port } = await serve(program);
  await using _connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  await connect(`amqp://guest:wrong@127.0.0.1:${port}`).catch(() => {});
  program.signal("SIGTERM");
  const { code, stderr } = await program.ended();
  assertEquals(code, 0);
  assertMatch(
    stderr,
    /^\S+ \[warning\] connection 127\.0\.0\.1:\d+: user 'guest': invalid credentials\n$/,
  );
});

Deno.test("broker/main.ts does not wait for a slow client when it is told twice", async () => {
  await using program = new Program(LEAST, "--port", "0", "--log-level", "info");
  const { port } = await serve(program);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await using peer = new RawPeer(tcpTransport(connection));
  await peer.login();
  program.signal("SIGINT");
  await peer.expect(0, "connection.close");
  program.signal("SIGINT");
  assertEquals((await program.ended()).code, 1);
});

function canListen(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

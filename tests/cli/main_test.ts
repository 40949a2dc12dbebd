import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { tcpTransport } from "../../broker/amqp/transport.ts";
import { connectionCloseOk } from "../../broker/amqp/methods/mod.ts";
import { WARREN_VERSION } from "../../broker/version.ts";
import { connect } from "../../client/connect.ts";
import { TlsError } from "../../broker/amqp/tls_error.ts";
import { CA, certificatePath, ENCRYPTED_KEY } from "../support/certificates.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { sendStartOk } from "../connection/support.ts";
import { freePorts } from "../support/rabbitmq.ts";
import { Program, ROOT } from "./program.ts";

/** All that serving needs without a data directory, as the documentation says. */
const LEAST = { permissions: ["--allow-net=127.0.0.1,[::1]"] };

const HAS_IPV6 = canListen("::1");

/** Starts the program on a free port; tells which, and all that it printed. */
async function serve(program: Program): Promise<{ port: number; lines: string[] }> {
  const lines = await program.linesUntil(/^Server startup complete/);
  const port = Number(/^ {2}amqp:\/\/127\.0\.0\.1:(\d+)$/m.exec(lines.join("\n"))?.[1]);
  return { port, lines };
}

Deno.test("broker/main.ts --help tells how it is used, without any permission", async () => {
  await using program = new Program({ permissions: [] }, "--help");
  const { code, stdout, stderr } = await program.ended();
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^Usage: deno run -A broker\/main\.ts \[serve\] \[options\]\n/);
});

Deno.test("broker/main.ts --version prints the version that deno.json has", async () => {
  await using program = new Program({ permissions: [] }, "--version");
  const { code, stdout, stderr } = await program.ended();
  assertEquals([code, stdout, stderr], [0, `warren ${WARREN_VERSION}\n`, ""]);
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  assertEquals(config.version, WARREN_VERSION);
});

const REFUSED: readonly (readonly [args: readonly string[], code: number, complaint: RegExp])[] = [
  [["--bogus"], 2, /^warren: unknown argument '--bogus' \(--help shows what there is\)\n$/],
  [["--port", "99999"], 2, /^warren: --port takes a number from 0 to 65535, not '99999' \(.*\)\n$/],
  [
    ["--memory", "--proxy-protocol", "proxy"],
    1,
    /^warren: .*"proxy" is no IP address or network\n$/,
  ],
  [["--log-level", "loud"], 2, /^warren: --log-level takes .*, not 'loud' \(.*\)\n$/],
  [["--memory", "--host", "192.0.2.1"], 1, /^warren: no such address here: 192\.0\.2\.1:5672\n$/],
  [
    ["--memory", "--host", "no.such.host.invalid"],
    1,
    /^warren: cannot listen on no\.such\.host\.invalid:.*\n$/,
  ],
];

for (const [args, expected, complaint] of REFUSED) {
  Deno.test(`broker/main.ts ${args.join(" ")} ends with ${expected} and one line`, async () => {
    await using program = new Program({ permissions: ["--allow-net"] }, ...args);
    const { code, stdout, stderr } = await program.ended();
    assertEquals([code, stdout], [expected, ""]);
    assertMatch(stderr, complaint);
  });
}

Deno.test("broker/main.ts says in one line that its port is in use", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using program = new Program(LEAST, "--memory", "--port", `${port}`);
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
    await using program = new Program(LEAST, "--memory", "--port", `${port}`);
    const { code, stdout, stderr } = await program.ended();
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, `port ${port} is in use`);
  },
});

Deno.test("broker/main.ts says in one line that it may not listen", async () => {
  await using program = new Program({ permissions: [] }, "--memory", "--port", "0");
  const { code, stdout, stderr } = await program.ended();
  assertEquals([code, stdout, stderr], [1, "", "warren: not allowed to listen on 127.0.0.1:0\n"]);
});

for (const prefix of ["WARREN", "RABBITMQ"]) {
  Deno.test(`broker/main.ts begins with the user that ${prefix}_DEFAULT_USER and _PASS name, and without guest`, async () => {
    const env = {
      [`${prefix}_DEFAULT_USER`]: "ops",
      [`${prefix}_DEFAULT_PASS`]: "carr0t!",
      [`${prefix}_DEFAULT_VHOST`]: "garden",
    };
    const permissions = [...LEAST.permissions, `--allow-env=${Object.keys(env)}`];
    const args = ["--memory", "--port=0", "--management-port=0"];
    await using program = new Program({ permissions, env }, ...args);
    const { port, lines } = await serve(program);
    const said = lines.join("\n");
    assertEquals(said.includes("Log in as guest"), false);
    const dial = (username: string, password: string, vhost: string) =>
      connect({ hostname: "127.0.0.1", port, username, password, vhost });
    {
      await using connection = await dial("ops", "carr0t!", "garden");
      await (await connection.openChannel()).queueDeclare("q");
    }
    await assertRejects(() => dial("ops", "carrot", "garden"), AmqpError, "Login was refused");
    await assertRejects(() => dial("guest", "guest", "garden"), AmqpError, "Login was refused");
    const url = /management API on (http:\S+)$/m.exec(said)?.[1];
    const headers = { authorization: `Basic ${btoa("ops:carr0t!")}` };
    const whoami = await (await fetch(`${url}/api/whoami`, { headers })).json();
    assertEquals(whoami, {
      name: "ops",
      tags: ["administrator"],
      is_internal_user: true,
    });
    program.signal("SIGTERM");
    const { code, stderr } = await program.ended();
    assertEquals([code, `${said}${stderr}`.includes("carr0t!")], [0, false]);
  });
}

Deno.test("broker/main.ts ends when the environment names a user without a password", async () => {
  const env = { WARREN_DEFAULT_USER: "ops" };
  const permissions = [...LEAST.permissions, "--allow-env=WARREN_DEFAULT_USER"];
  await using program = new Program({ permissions, env }, "--memory", "--port=0");
  const { code, stderr } = await program.ended();
  assertEquals(code, 2);
  assertMatch(stderr, /the user 'ops' needs a password: set WARREN_DEFAULT_PASS/);
});

Deno.test("broker/main.ts serves the management API on the port that it is given", async () => {
  const args = ["--memory", "--port=0", "--management-port=0", "--log-level=none"];
  await using program = new Program(LEAST, ...args);
  const lines = await program.linesUntil(/Server startup complete/);
  const url = lines.map((line) => /management API on (http:\S+)$/.exec(line)?.[1]).find(Boolean);
  const headers = { authorization: `Basic ${btoa("guest:guest")}` };
  const response = await fetch(`${url}/api/whoami`, { headers });
  assertEquals(await response.json(), {
    name: "guest",
    tags: ["administrator"],
    is_internal_user: true,
  });
  program.signal("SIGTERM");
  assertEquals((await program.ended()).code, 0);
});

Deno.test("broker/main.ts goes on without management on a usual port that is in use, and not on one that it is given", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const asked = ["--memory", "--port=0", `--management-port=${port}`, "--log-level=none"];
  await using refused = new Program(LEAST, ...asked);
  const { code, stderr } = await refused.ended();
  assertEquals(code, 1);
  assertEquals(
    stderr,
    `warren: no management API on 127.0.0.1: port ${port} is in use: stop the other program, ` +
      "or choose another one with --management-port, or --no-management\n",
  );

  using _usual = listenUnlessTaken(15672);
  await using program = await startOnFreePort();
  program.signal("SIGTERM");
  const ended = await program.ended();
  assertEquals(ended.code, 0);
  assertMatch(ended.stderr, /\[warning\] no management API on 127\.0\.0\.1: port 15672 is in use/);
});

/** Starts a broker on a port that nobody has, which somebody may take in the meantime. */
async function startOnFreePort(): Promise<Program> {
  for (let tries = 5;; tries--) {
    const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = free.addr;
    free.close();
    const program = new Program(LEAST, "--memory", `--port=${port}`);
    try {
      await program.linesUntil(/Server startup complete/);
      return program;
    } catch (error) {
      await program[Symbol.asyncDispose]();
      if (tries === 1 || !String(error).includes(`port ${port} is in use`)) throw error;
    }
  }
}

/** Takes a port, unless somebody has it already: then it is in use as well. */
function listenUnlessTaken(port: number): Disposable | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw error;
  }
}

Deno.test("broker/main.ts serves with the least permissions, on both loopback addresses", async () => {
  await using program = new Program(LEAST, "--memory", "--port", "0", "--log-level", "none");
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

Deno.test({
  name: "broker/main.ts serves TLS with the least permissions, and reloads certificates on SIGHUP",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const directory = await Deno.makeTempDir({ prefix: "warren-cli-" });
    const install = async (name: string) => {
      await Deno.copyFile(certificatePath(`${name}.pem`), `${directory}/cert.pem`);
      await Deno.copyFile(certificatePath(`${name}.key`), `${directory}/key.pem`);
    };
    await install("server");
    // what it begins with is encrypted; what comes later need not be
    await Deno.writeTextFile(`${directory}/key.pem`, ENCRYPTED_KEY.key);
    await Deno.writeTextFile(`${directory}/passphrase`, `${ENCRYPTED_KEY.passphrase}\n`);
    const permissions = ["--allow-net=127.0.0.1,[::1]", `--allow-read=${directory}`];
    await using program = new Program(
      { permissions },
      ...["--memory", "--port=0", "--host=127.0.0.1", "--tls-port=0", "--tls-host=127.0.0.1"],
      ...[`--tls-cert=${directory}/cert.pem`, `--tls-key=${directory}/key.pem`],
      `--tls-key-password-file=${directory}/passphrase`,
    );
    const { lines } = await serve(program);
    const url = /^ {2}(amqps:.*)$/m.exec(lines.join("\n"))![1]!;
    const tls = { ca: CA };
    await using open = await connect(url, { tls });
    /** Connects until that has another outcome: the program has taken notice then. */
    const until = async (outcome: "accepted" | "refused") => {
      const attempt = () =>
        connect(url, { tls }).then((connection) => connection.close()).then(
          () => "accepted",
          (error) => error instanceof TlsError ? "refused" : `${error}`,
        );
      while (await attempt() !== outcome);
    };
    await install("elsewhere");
    program.signal("SIGHUP");
    await until("refused");
    await Deno.writeTextFile(`${directory}/key.pem`, "half a key");
    program.signal("SIGHUP");
    await assertRejects(() => connect(url, { tls }), TlsError, "is not for 127.0.0.1");
    await install("server");
    program.signal("SIGHUP");
    await until("accepted");
    const { queue } = await (await open.openChannel()).queueDeclare();
    assertMatch(queue, /^amq\.gen/);
    await open.close();
    program.signal("SIGTERM");
    const { code, stderr } = await program.ended();
    assertEquals(code, 0);
    await Deno.remove(directory, { recursive: true });
    assertMatch(stderr, /\[info\] amqps:.*: certificates reloaded\n/);
    assertEquals([...lines, stderr].join("\n").includes(ENCRYPTED_KEY.passphrase), false);
  },
});

Deno.test({
  name:
    "broker/main.ts serves management and metrics with TLS, and reloads their certificates on SIGHUP",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const directory = await Deno.makeTempDir({ prefix: "warren-cli-" });
    const install = async (name: string) => {
      await Deno.copyFile(certificatePath(`${name}.pem`), `${directory}/cert.pem`);
      await Deno.copyFile(certificatePath(`${name}.key`), `${directory}/key.pem`);
    };
    await install("server");
    const permissions = ["--allow-net=127.0.0.1,[::1]", `--allow-read=${directory}`];
    await using program = new Program(
      { permissions },
      ...["--memory", "--port=0", "--host=127.0.0.1", "--management-tls-port=0"],
      ...[`--management-tls-cert=${directory}/cert.pem`, "--prometheus-tls-port=0"],
      ...[`--management-tls-key=${directory}/key.pem`, `--prometheus-tls-key=${directory}/key.pem`],
      `--prometheus-tls-cert=${directory}/cert.pem`,
    );
    const lines = (await program.linesUntil(/Server startup complete/)).join("\n");
    const management = /management API on (https:\S+)$/m.exec(lines)?.[1] ?? "";
    const metrics = /Prometheus on (https:\S+)$/m.exec(lines)?.[1] ?? "";
    assertEquals(/http:/.test(lines), false);
    {
      using client = Deno.createHttpClient({ caCerts: [CA] });
      assertMatch(await (await fetch(metrics, { client })).text(), /^rabbitmq_queues 0$/m);
    }
    const list = async (...args: readonly string[]) => {
      const options = { permissions: ["--allow-net", "--allow-read"] };
      await using command = new Program(options, "list", "users", `--url=${management}`, ...args);
      return await command.ended();
    };
    const believed = [`--ca-file=${certificatePath("ca.pem")}`];
    assertMatch((await list(...believed)).stdout, /guest/);
    const { code, stderr } = await list();
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /cannot reach https:.*: its certificate is signed by nobody who is trusted/,
    );
    await install("elsewhere");
    program.signal("SIGHUP");
    let told = "";
    while (told === "") told = (await list(...believed)).stderr;
    assertMatch(told, /: its certificate is not believed: .*not valid for name/);
    program.signal("SIGTERM");
    assertEquals((await program.ended()).code, 0);
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  name: "broker/main.ts listens on several addresses, for WebSocket and on a socket file at once",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const path = `${await Deno.makeTempDir({ prefix: "warren-cli-" })}/amqp.sock`;
    const ways = ["--host", "127.0.0.1", "--host=127.0.0.2", "--port=0", "--ws-port=0"];
    const all = { permissions: ["--allow-net", "--allow-read", "--allow-write"] };
    const args = [
      "--memory",
      ...ways,
      "--unix",
      path,
      "--proxy-protocol",
      "192.0.2.0/24,127.0.0.2",
    ];
    await using program = new Program(all, ...args);
    const { port, lines } = await serve(program);
    const webPort = Number(/^ {2}ws:\/\/127\.0\.0\.1:(\d+)$/m.exec(lines.join("\n"))?.[1]);
    assertEquals(lines.slice(1, 6), [
      `  amqp://127.0.0.1:${port}`,
      `  amqp://127.0.0.2:${port}`,
      `  ws://127.0.0.1:${webPort}`,
      `  ws://127.0.0.2:${webPort}`,
      `  amqp+unix://${path}`,
    ]);
    assertEquals(lines.some((line) => line.includes("Other machines")), false);

    await using connection = await connect(`amqp+unix://${path}`);
    await connection.openChannel();
    // what comes from 127.0.0.1 is no trusted proxy
    await assertRejects(() => connect(`amqp://127.0.0.1:${port}`), Error);
    await assertRejects(() => connect(`ws://127.0.0.1:${webPort}`), Error);
    program.signal("SIGTERM");
    assertEquals((await program.ended()).code, 0);
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  },
});

Deno.test("broker/main.ts begins with the user that the environment names, as RabbitMQ's image", async () => {
  const env = { RABBITMQ_DEFAULT_USER: "ops", RABBITMQ_DEFAULT_PASS: "s3cret" };
  const all = Object.keys(env).join(",");
  const permissions = [...LEAST.permissions, `--allow-env=${all}`];
  await using program = new Program({ permissions, env }, "--memory", "--port=0");
  const { port, lines } = await serve(program);
  assertEquals(lines.some((line) => line.includes("guest")), false);
  await using connection = await connect(`amqp://ops:s3cret@127.0.0.1:${port}`);
  await (await connection.openChannel()).queueDeclare("q");
  const error = await assertRejects(() => connect(`amqp://127.0.0.1:${port}`), AmqpError);
  assertEquals(error.replyCode, 403);
});

Deno.test("broker/main.ts begins with the user of its arguments, and only the first time", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-cli-" });
  try {
    const passwordFile = `${directory}/password`;
    const dataDir = `${directory}/data`;
    const permissions = [
      ...LEAST.permissions,
      `--allow-read=${directory}`,
      `--allow-write=${dataDir}`,
    ];
    const args = ["--port=0", "--data-dir", dataDir, "--password-file", passwordFile];
    for (const [password, works] of [["first", "first"], ["second", "first"]] as const) {
      await Deno.writeTextFile(passwordFile, `${password}\nand a note\n`);
      await using program = new Program({ permissions }, ...args, "--user", "ops");
      const { port } = await serve(program);
      await using connection = await connect(`amqp://ops:${works}@127.0.0.1:${port}`);
      await connection.openChannel();
      await connection.close();
      program.signal("SIGTERM");
      assertEquals((await program.ended()).code, 0);
    }
    await Deno.writeTextFile(passwordFile, "\n");
    await using program = new Program({ permissions }, ...args, "--user", "ops");
    const { code, stderr } = await program.ended();
    assertEquals(code, 2);
    assertStringIncludes(stderr, "begins with no password");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`broker/main.ts closes its connections with 320 on ${signal}, and ends with 0`, async () => {
    await using program = new Program(LEAST, "--memory", "--port", "0");
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

Deno.test("broker/main.ts ends with 0 on a signal of its first client, whatever it still has to load", async () => {
  const [port] = freePorts(2);
  await using program = new Program(
    LEAST,
    "--memory",
    `--port=${port}`,
    "--management-port=0",
    "--log-level=none",
  );
  while (true) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      break;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  program.signal("SIGTERM");
  assertEquals((await program.ended()).code, 0);
});

Deno.test("broker/main.ts gives its broker what it is told", async () => {
  const options =
    "--profile 4.3 --heartbeat 7 --frame-max 8KiB --channel-max 5 --max-connections 1";
  await using program = new Program(LEAST, "--memory", "--port", "0", ...options.split(" "));
  const { port } = await serve(program);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await using peer = new RawPeer(tcpTransport(connection));
  await sendStartOk(peer);
  const { heartbeat, frameMax, channelMax } = await peer.expect(0, "connection.tune");
  assertEquals([heartbeat, frameMax, channelMax], [7, 8192, 5]);

  await using client = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  assertEquals(client.serverProperties["version"], "4.3.6");
  const error = await assertRejects(
    () => connect(`amqp://guest:guest@127.0.0.1:${port}`),
    AmqpError,
  );
  assertEquals(
    error.message,
    "NOT_ALLOWED - connection refused: node connection limit (1) is reached",
  );
});

Deno.test("broker/main.ts logs what happens to standard error, as much as it is told", async () => {
  await using program = new Program(LEAST, "--memory", "--port", "0", "--log-level", "warning");
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
  await using program = new Program(LEAST, "--memory", "--port", "0", "--log-level", "info");
  const { port } = await serve(program);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await using peer = new RawPeer(tcpTransport(connection));
  await peer.login();
  program.signal("SIGINT");
  await peer.expect(0, "connection.close");
  program.signal("SIGINT");
  assertEquals((await program.ended()).code, 1);
});

Deno.test({
  name: "broker/main.ts keeps durable queues and persistent messages in its default directory",
  // elsewhere the place follows from variables that Deno itself needs
  ignore: Deno.build.os === "windows" || Deno.build.os === "darwin",
  fn: async () => {
    const state = await Deno.makeTempDir();
    const port = `${freePort()}`;
    const directory = `${state}/warren/${port}`;
    const durable = {
      permissions: [
        ...LEAST.permissions,
        "--allow-env=XDG_STATE_HOME",
        `--allow-read=${directory}`,
        `--allow-write=${directory}`,
      ],
      env: { XDG_STATE_HOME: state },
    };
    const address = `amqp://guest:guest@127.0.0.1:${port}`;
    try {
      await using first = new Program(durable, "--port", port, "--log-level", "none");
      const { lines } = await serve(first);
      assertEquals(
        lines.at(-2),
        `Durable things and persistent messages are kept in ${directory}.`,
      );
      {
        await using connection = await connect(address);
        const channel = await connection.openChannel();
        await channel.queueDeclare("kept", { durable: true });
        await channel.queueDeclare("lost");
        await channel.confirmSelect();
        const properties = { deliveryMode: 2 };
        await channel.basicPublish({ routingKey: "kept", properties }, "still here");
      }

      await using second = new Program(durable, "--port", port);
      const refused = await second.ended();
      assertEquals([refused.code, refused.stdout], [1, ""]);
      assertMatch(
        refused.stderr,
        /^warren: cannot use \S+: process \d+ uses it: stop it, or choose another directory .*\n$/,
      );
      first.signal("SIGTERM");
      assertEquals(await first.ended(), { code: 0, stdout: "", stderr: "" });

      await using third = new Program(durable, "--port", port, "--log-level", "none");
      await serve(third);
      await using connection = await connect(address);
      const channel = await connection.openChannel();
      const delivery = await channel.basicGet("kept", { noAck: true });
      assertEquals(delivery?.text(), "still here");
      const error = await assertRejects(
        () => channel.queueDeclare("lost", { passive: true }),
        AmqpError,
      );
      assertEquals(error.replyCode, 404);
    } finally {
      await Deno.remove(state, { recursive: true });
    }
  },
});

/** A port that no test running beside this one gets by asking for any: those are higher. */
function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function canListen(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("broker/main.ts has metrics on the port of the API, for who may see everything", async () => {
  await using program = new Program(
    { permissions: ["-A"] },
    ...["--memory", "--port=0", "--management-port=0", "--no-prometheus"],
  );
  const lines = await program.linesUntil(/Server startup complete/);
  const url = /(http:\/\/127\.0\.0\.1:\d+)/.exec(lines.join("\n"))?.[1];
  const nobody = await fetch(`${url}/metrics`);
  assertEquals([nobody.status, await nobody.text()], [401, ""]);
  const headers = { authorization: `Basic ${btoa("guest:guest")}` };
  const told = await fetch(`${url}/metrics`, { headers });
  assertEquals(told.status, 200);
  assertMatch(await told.text(), /^rabbitmq_connections_opened_total 0$/m);
  program.signal("SIGTERM");
  assertEquals((await program.ended()).code, 0);
});

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../../broker/cli/arguments.ts";
import { readConfigFile } from "../../broker/cli/config_file.ts";
import { readConfiguredOptions } from "../../broker/cli/configured_options.ts";
import { readDefaultUser } from "../../broker/cli/default_user.ts";
import { certificatePath } from "../support/certificates.ts";
import { Program } from "./program.ts";
import { RecordingTerminal } from "./recording_terminal.ts";

/** The options of a file, with more arguments. */
function configured(text: string, ...args: readonly string[]) {
  const path = Deno.makeTempFileSync({ suffix: ".conf" });
  try {
    Deno.writeTextFileSync(path, text);
    return readConfiguredOptions([...args, `--config=${path}`]);
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("a file like rabbitmq.conf says what the command line could", () => {
  const options = configured(`
    ## where
    listeners.tcp.1 = 0.0.0.0:5673
    listeners.tcp.2 = [::1]:5673   # the same port
    listeners.ssl.default = 5671
    ssl_options.certfile = /c.pem
    ssl_options.keyfile = '/k.pem'
    ssl_options.password = carrot
    ssl_options.cacertfile = /ca.pem
    ssl_options.verify = verify_peer
    ssl_options.fail_if_no_peer_cert = true
    ssl_options.versions.1 = tlsv1.3
    management.tcp.port = 15673
    prometheus.tcp.port = 15693

    vm_memory_high_watermark.relative = 0.4
    disk_free_limit.absolute = 2GB
    channel_max = 100
    frame_max = 8192
    heartbeat = 30
    max_message_size = 1048576
    consumer_timeout = 3600000
    log.console.level = notice
    log.console.formatter = json
    load_definitions = /defs.json
  `);
  assertEquals(options.hosts, ["0.0.0.0", "::1"]);
  assertEquals([options.port, options.managementPort, options.prometheusPort], [
    5673,
    15673,
    15693,
  ]);
  assertEquals(options.tls, {
    port: 5671,
    webSocketPort: undefined,
    hosts: [],
    more: [],
    options: {
      certFile: "/c.pem",
      keyFile: "/k.pem",
      passphrase: "carrot",
      caFile: "/ca.pem",
      verifyPeer: "fail-if-none",
      minVersion: "TLSv1.3",
    },
  });
  assertEquals(options.broker, {
    memoryHighWatermark: 0.4,
    diskFreeLimit: 2_000_000_000,
    channelMax: 100,
    frameMax: 8192,
    heartbeatSeconds: 30,
    messageSizeMax: 1_048_576,
    consumerTimeoutMs: 3_600_000,
  });
  assertEquals([options.logLevel, options.logFormat], ["info", "json"]);
  assertEquals(options.definitions, "/defs.json");
});

Deno.test("what the command line says counts more than the file", () => {
  const file = "listeners.tcp.default = 1\nheartbeat = 1\nmanagement.tcp.port = 1\n" +
    "disk_free_limit.absolute = 1GB\n";
  const options = configured(file, "--port", "2", "--heartbeat=3", "--no-management", "--memory");
  assertEquals([options.port, options.broker.heartbeatSeconds], [2, 3]);
  assertEquals([options.managementPort, options.broker.diskFreeLimit], [undefined, undefined]);
});

Deno.test("the first user is named by the command line, the environment or the file, in this order", () => {
  const file = "default_user = ann\ndefault_pass = secret\ndefault_vhost = v\n" +
    "default_permissions.read = .*\ndefault_user_tags.administrator = true\n";
  const said = { tags: ["administrator"], permissions: { read: ".*" }, vhost: "v" };
  const user = (env: Record<string, string>) =>
    readDefaultUser(configured(file), new RecordingTerminal({ env }));
  assertEquals(user({}), { name: "ann", password: "secret", ...said });
  assertEquals(
    user({ RABBITMQ_DEFAULT_USER: "bob", RABBITMQ_DEFAULT_PASS: "p" }),
    { name: "bob", password: "p", ...said },
  );
});

Deno.test("loopback_users says who may come in from this machine alone", () => {
  const users = (text: string) => configured(text).broker.loopbackUsers;
  assertEquals(users(""), undefined);
  assertEquals(users("loopback_users = none"), []);
  assertEquals(users("loopback_users.guest = false"), []);
  assertEquals(users("loopback_users.ann = true"), ["guest", "ann"]);
});

Deno.test("what means nothing here is named with its line, and does not stop anything", () => {
  const { ignored } = readConfigFile("heartbeat = 1\nnum_acceptors.tcp = 10\n", "f");
  assertEquals(ignored, [["num_acceptors.tcp", 2]]);
  assertMatch(configured("log.file = false").ignored![0]!, /:1: log\.file means nothing here$/);
});

Deno.test("a value in quotes may look like a comment, and proxy_protocol and TLS may be off", () => {
  const { defaultUser, ignored } = readConfigFile(
    "default_user = ann # 'quoted'\ndefault_pass = 'a #b'  # c\nproxy_protocol = false\n" +
      "management.listener.ssl = false\n",
    "f",
  );
  assertEquals(defaultUser, { name: "ann", password: "a #b" });
  assertEquals(ignored, []);
});

const WRONG: readonly (readonly [text: string, message: RegExp])[] = [
  ["# fine\nheart_beat = 10", /:2: unknown key 'heart_beat'$/],
  ["__proto__ = 10", /:1: unknown key '__proto__'$/],
  ["heartbeat 10", /:1: what begins with 'heartbeat' is not 'key = value'$/],
  ["default_pass: hu5h", /:1: what begins with 'default_pass' is not 'key = value'$/],
  ["\nheartbeat = often", /:2: --heartbeat takes a number from 0 to 65535, not 'often'$/],
  ["listeners.tcp.default = here", /:1: listeners\.tcp\.default takes a port, or an address/],
  ["listeners.tcp.1 = 1\nlisteners.tcp.2 = x", /:2: listeners\.tcp\.2 takes a port/],
  ["management.ssl.port = 15671", /:1: --management-tls-port needs --management-tls-cert/],
  ["management.ssl.ciphers.1 = X", /:1: management\.ssl\.ciphers\.1: TLS has no such option/],
  ["management.ssl.verify = maybe", /:1: management\.ssl\.verify is verify_peer or verify_none/],
  [
    "management.tcp.idle_timeout = 1000\nmanagement.ssl.idle_timeout = 2000",
    /:2: management\.ssl\.idle_timeout says 2000, and a line before it 1000: there can be one$/,
  ],
  ["management.ssl.sesame = open", /:1: unknown key 'management\.ssl\.sesame'$/],
  [
    "management.listener.port = 15671\nmanagement.listener.ssl = true",
    /:2: management\.listener\.ssl: say management\.ssl\.port, management\.ssl\.certfile and/,
  ],
  [
    "management.listener.ssl_opts.certfile = f",
    /:1: management\.listener\.ssl_opts\.certfile: say management\.ssl\.certfile/,
  ],
  ["proxy_protocol = true", /:1: proxy_protocol: say whose headers are to be trusted/],
  ["ssl_options.ciphers.1 = X", /:1: ssl_options\.ciphers\.1: TLS has no such option here/],
  ["mqtt.listeners.tcp.1 = 1883", /:1: mqtt\.listeners\.tcp\.1: only AMQP 0-9-1 is spoken/],
  [
    "password_hashing_module = md5",
    /:1: password_hashing_module is one of rabbit_password_hashing_sha256/,
  ],
  ["listeners.tcp = none", /:1: --no-tcp needs --tls-port, --unix or --ws-port$/],
  ["listeners.tcp = none\nlisteners.tcp.1 = 1\nlisteners.tcp.2 = 2", /--listen does not go with/],
  ["disk_free_limit.relative = much", /:1: --disk-free-limit takes a size .*, not 'muchx'$/],
  ["vhost_max = some", /:1: --vhost-limit takes a whole number or infinity, not 'some'$/],
  ["default_queue_type = x", /:1: --default-queue-type takes classic, quorum, stream, not 'x'$/],
  ["default_user_tags.management = often", /:1: default_user_tags\.management is true or false/],
  ["queue_types.quorum.enabled = false", /:1: queue_types.*: no type can be switched off$/],
  ["definitions.https.url = https://a", /:1: definitions\.https\.url: definitions are read from/],
  ["ssl_options.verify = maybe", /:1: ssl_options\.verify is verify_peer or verify_none/],
  ["auth_backends.1 = ldap", /:1: auth_backends\.1 is internal or oauth2, not 'ldap'/],
  ["auth_oauth2.verify_aud = maybe", /:1: auth_oauth2\.verify_aud is true or false/],
  [
    "auth_oauth2.https.cacertfile = f",
    /:1: auth_oauth2\.https\.cacertfile: there is no such setting/,
  ],
  ["auth_backends.1 = oauth2", /oauth-only needs --oauth-resource-server-id/],
  ["ssl_options.versions.1 = tlsv1.1", /:1: ssl_options\.versions\.1 is tlsv1\.2 or tlsv1\.3/],
  ["log.console.level = loud", /:1: --log-level takes .*, not 'loud'$/],
];

for (const [text, message] of WRONG) {
  Deno.test(`${JSON.stringify(text)} is refused with its line`, () => {
    const { message: told } = assertThrows(() => configured(text), UsageError);
    assertMatch(told, message);
  });
}

Deno.test("a file that is not there ends the program with one line", () => {
  const { message } = assertThrows(
    () => readConfiguredOptions(["--config", "/no/such.conf"]),
    UsageError,
  );
  assertMatch(message, /^cannot read --config: No such file/);
});

Deno.test("broker/main.ts applies definitions before it listens, as its file says, and logs JSON", async () => {
  const directory = await Deno.makeTempDir({ prefix: "warren-config-" });
  try {
    await Deno.writeTextFile(
      `${directory}/defs.json`,
      JSON.stringify({
        vhosts: [{ name: "/" }],
        queues: [{ name: "jobs", vhost: "/", durable: true, auto_delete: false, arguments: {} }],
      }),
    );
    await Deno.writeTextFile(
      `${directory}/rabbitmq.conf`,
      `load_definitions = ${directory}/defs.json\nlog.console.formatter = json\nlog.file = false\n`,
    );
    const args = ["--memory", "--port=0", "--prometheus-port=0"];
    const permissions = ["--allow-net", `--allow-read=${directory}`];
    await using program = new Program(
      { permissions },
      ...args,
      `--config=${directory}/rabbitmq.conf`,
    );
    const lines = await program.linesUntil(/Server startup complete/);
    // what is told at the start is for machines as well, in the words that scripts wait for
    const told = lines.map((line) => JSON.parse(line));
    assertEquals(told.map(({ level }) => level), told.map(() => "info"));
    const messages: string[] = told.map(({ message }) => message);
    assertMatch(messages[0]!, /^Warren \S+ serves AMQP 0-9-1 on amqp:\/\/127\.0\.0\.1:\d+( |$)/);
    assertEquals(messages.at(-1), "Server startup complete; Ctrl+C stops it.");
    const url = /metrics for Prometheus on (\S+)$/m.exec(messages.join("\n"))?.[1];
    const text = await (await fetch(url!)).text();
    assertMatch(text, /^rabbitmq_queues 1$/m);
    program.signal("SIGTERM");
    const { code, stderr } = await program.ended();
    assertEquals(code, 0);
    const logged = stderr.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(
      logged.map(({ level }) => level).includes("warning") && logged[0].message,
      `${directory}/rabbitmq.conf:3: log.file means nothing here`,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("broker/main.ts ends when definitions cannot be applied", async () => {
  const args = ["--memory", "--port=0", "--definitions=/no/such.json", "--log-level=none"];
  await using program = new Program({ permissions: ["-A"] }, ...args);
  const { code, stdout, stderr } = await program.ended();
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /^warren: cannot apply the definitions in \/no\/such\.json: No such file/);
});

Deno.test("broker/main.ts has not listened yet when definitions turn out to be bad", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify({ queues: [{ name: "q", vhost: "nope" }] }));
    const args = ["--memory", "--port=0", `--definitions=${file}`, "--log-level=none"];
    await using program = new Program({ permissions: ["-A"] }, ...args);
    const { code, stdout, stderr } = await program.ended();
    // where it listens would be told there
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^warren: cannot apply the definitions in .*"nope"/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("broker/main.ts goes on without metrics on a port that is in use, unless it was asked for", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const args = ["--memory", "--port=0", `--prometheus-port=${port}`, "--log-level=none"];
  await using program = new Program({ permissions: ["--allow-net"] }, ...args);
  const { code, stderr } = await program.ended();
  assertEquals(code, 1);
  assertEquals(
    stderr,
    `warren: no metrics on 127.0.0.1: port ${port} is in use: stop the other program, or choose ` +
      "another one with --prometheus-port, or --no-prometheus\n",
  );
});

const TOKENS = `
  auth_oauth2.resource_server_id = rabbitmq
  auth_oauth2.resource_servers.1.id = orders
  auth_oauth2.issuer = https://id.example/realm
  auth_oauth2.jwks_uri = https://id.example/keys
  auth_oauth2.signing_keys.one = /one.pem
  auth_oauth2.signing_keys.two = /two.pem
  auth_oauth2.default_key = one
  auth_oauth2.algorithms.1 = RS256
  auth_oauth2.additional_scopes_key = roles realm.roles
  auth_oauth2.preferred_username_claims.1 = user_name
  auth_oauth2.preferred_username_claims.2 = email
  auth_oauth2.scope_prefix = mq.
  auth_oauth2.verify_aud = false
`;

Deno.test("a file says who may show tokens, and that nobody else comes in", () => {
  const { oauth } = configured(`auth_backends.1 = rabbit_auth_backend_oauth2\n${TOKENS}`);
  assertEquals(oauth, {
    resourceServerIds: ["rabbitmq", "orders"],
    issuer: "https://id.example/realm",
    jwksUrl: "https://id.example/keys",
    jwksFile: undefined,
    keyFiles: [["one", "/one.pem"], ["two", "/two.pem"]],
    defaultKeyId: "one",
    algorithms: ["RS256"],
    scopePrefix: "mq.",
    aliasesFile: undefined,
    usernameClaims: ["user_name", "email"],
    scopeClaims: ["roles", "realm.roles"],
    anyAudience: true,
    alone: true,
  });
  const both = configured(`auth_backends.1 = oauth2\nauth_backends.2 = internal\n${TOKENS}`);
  assertEquals(both.oauth?.alone, false);
});

Deno.test("as in RabbitMQ tokens let nobody in unless auth_backends says so", () => {
  for (const backends of ["", "auth_backends.1 = internal"]) {
    const options = configured(`${backends}\n${TOKENS}`);
    assertEquals(options.oauth, undefined);
    assertMatch(
      options.ignored!.join("\n"),
      /:3: auth_oauth2 without auth_backends\.1 = oauth2 means/,
    );
  }
});

Deno.test("a file may name several listeners, and addresses of the management API and metrics", () => {
  const options = configured(`
    listeners.tcp.1 = 127.0.0.1:5673
    listeners.tcp.2 = 5674
    listeners.tcp.3 = ::1:5675
    listeners.ssl.1 = 5671
    listeners.ssl.2 = 127.0.0.1:5676
    ssl_options.certfile = /c.pem
    ssl_options.keyfile = /k.pem
    management.tcp.ip = 127.0.0.1
    management.tcp.port = 15673
    prometheus.tcp.ip = ::1
    password_hashing_module = rabbit_password_hashing_sha512
    auth_backends.1 = internal
    log.default.level = warning
    connection_max = 7
  `);
  assertEquals([options.port, options.hosts], [5673, ["127.0.0.1"]]);
  assertEquals(options.more, [{ host: undefined, port: 5674 }, { host: "::1", port: 5675 }]);
  assertEquals(options.tls?.more, [{ host: "127.0.0.1", port: 5676 }]);
  assertEquals([options.managementHosts, options.managementPort, options.managementAsked], [
    ["127.0.0.1"],
    15673,
    true,
  ]);
  assertEquals([options.prometheusHosts, options.prometheusAsked], [["::1"], true]);
  const { passwordHashing, connectionMax } = options.broker;
  assertEquals([options.logLevel, passwordHashing, connectionMax], [
    "warning",
    "rabbitmq-sha512",
    7,
  ]);
});

Deno.test("what a usual rabbitmq.conf says besides is passed over, and told of", () => {
  const keys = [
    "num_acceptors.tcp = 10",
    "tcp_listen_options.backlog = 128",
    "tcp_listen_options.nodelay = true",
    "cluster_formation.peer_discovery_backend = classic_config",
    "cluster_partition_handling = pause_minority",
    "log.file = rabbit.log",
    "log.file.level = info",
    "log.connection.level = info",
    "collect_statistics_interval = 5000",
    "management.rates_mode = basic",
    "management.cors.allow_origins.1 = https://a.example",
    "management.sample_retention_policies.global.minute = 5",
    "management.tcp.inactivity_timeout = 1000",
    "management.tcp.max_keepalive = 100",
    "prometheus.tcp.idle_timeout = 1000",
    "queue_leader_locator = balanced",
    "classic_queue.default_version = 2",
    "vm_memory_high_watermark_paging_ratio = 0.5",
    "raft.wal_max_size_bytes = 1000",
    "deprecated_features.permit.global_qos = true",
    "track_auth_attempt_source = true",
    "mirroring_sync_batch_size = 4096",
    "mnesia_table_loading_retry_limit = 10",
  ];
  const options = configured(keys.join("\n"));
  assertEquals(options.ignored?.length, keys.length);
});

Deno.test("every key that RabbitMQ 4 has is obeyed, passed over by name, or refused with a reason", async () => {
  const list = await Deno.readTextFile(new URL("rabbitmq_4_keys.txt", import.meta.url));
  const keys = list.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    .map((key) => key.replace(/\bN\b/g, "1").replace(/\bNAME\b/g, "1"));
  assertEquals(keys.length > 500, true);
  const unknown = keys.filter((key) => {
    try {
      readConfigFile(`${key} = 1`, "f");
      return false;
    } catch (error) {
      return /unknown key/.test((error as Error).message);
    }
  });
  assertEquals(unknown, []);
});

Deno.test("a rabbitmq.conf names the broker, limits its vhosts and says what queues are", () => {
  const options = configured(`
    cluster_name = burrow
    vhost_max = 3
    default_queue_type = quorum
    disk_free_limit.relative = 0.5
    anonymous_login_user = none
    ssl_cert_login_from = subject_alternative_name
    ssl_cert_login_san_type = dns
    ssl_cert_login_san_index = 1
    auth_backends.1.authn = internal
    auth_backends.1.authz = internal
    queue_types.quorum.enabled = true
    listeners.tcp = none
    listeners.tcp.unix = unix:/run/rabbit.sock:0
  `);
  const { vhostMax, defaultQueueType, certificateLogin, anonymousUser } = options.broker;
  assertEquals([options.clusterName, vhostMax, defaultQueueType], ["burrow", 3, "quorum"]);
  assertEquals(certificateLogin, { alternativeName: "dns", index: 1 });
  assertEquals([anonymousUser, options.noTcp], [undefined, true]);
  assertEquals(options.socketPath, "/run/rabbit.sock");
  const half = Deno.systemMemoryInfo().total / 2;
  assertEquals(options.broker.diskFreeLimit! <= half, true, "a cgroup may leave less");
  assertEquals(options.broker.diskFreeLimit! > 1_000_000, true);
});

Deno.test("the first user of a rabbitmq.conf has its tags and permissions", async () => {
  const { Broker } = await import("../../mod.ts");
  const options = configured(
    "default_user = ann\ndefault_pass = x\ndefault_user_tags.management = true\n" +
      "default_user_tags.administrator = false\ndefault_user_tags.blue = true\n" +
      "default_permissions.configure = ^a\n",
  );
  const defaultUser = readDefaultUser(options, new RecordingTerminal({}))!;
  await using broker = new Broker({ defaultUser, passwordHashing: "rabbitmq-sha256" });
  assertEquals(broker.users().map(({ name, tags }) => [name, tags]), [["ann", [
    "management",
    "blue",
  ]]]);
  assertEquals(broker.permissions(), [
    { user: "ann", vhost: "/", configure: "^a", write: ".*", read: ".*" },
  ]);
});

Deno.test("serve --no-tcp listens with TLS alone, and is called as it was asked for", async () => {
  const certificates = [
    `--tls-cert=${certificatePath("server.pem")}`,
    `--tls-key=${certificatePath("server.key")}`,
  ];
  await using program = new Program(
    { permissions: ["-A"] },
    ...["--memory", "--no-tcp", "--port=0", "--tls-port=0", "--management-port=0", ...certificates],
    "--cluster-name=burrow",
  );
  const lines = (await program.linesUntil(/^Server startup complete/)).join("\n");
  assertMatch(lines, /^ {2}amqps:\/\/127\.0\.0\.1:\d+$/m);
  assertEquals(/amqp:\/\//.test(lines), false);
  const url = /management API on (http:\S+)/.exec(lines)![1];
  const authorization = `Basic ${btoa("guest:guest")}`;
  const response = await fetch(`${url}/api/cluster-name`, { headers: { authorization } });
  assertEquals(await response.json(), { name: "burrow" });
});

Deno.test("a file may have management and metrics served with TLS, and what clients may have of them", () => {
  const options = configured(`
    management.ssl.port = 15671
    management.ssl.ip = 10.0.0.1
    management.ssl.cacertfile = /ca.pem
    management.ssl.certfile = /c.pem
    management.ssl.keyfile = /k.pem
    management.ssl.password = carrot
    management.ssl.versions.1 = tlsv1.3
    management.ssl.honor_cipher_order = true
    prometheus.ssl.certfile = /d.pem
    prometheus.ssl.keyfile = /l.pem
    prometheus.ssl.cacertfile = /ca.pem
    prometheus.ssl.verify = verify_peer
    prometheus.ssl.fail_if_no_peer_cert = true
    management.tcp.max_connections = infinity
    management.tcp.request_timeout = 7000
    management.tcp.idle_timeout = 90000
    management.ssl.max_connections = infinity
    prometheus.ssl.max_connections = 5
    prometheus.ssl.idle_timeout = 1000
  `);
  assertEquals([options.managementPort, options.prometheusPort], [undefined, undefined]);
  assertEquals(options.managementTls, {
    port: 15671,
    hosts: ["10.0.0.1"],
    options: {
      certFile: "/c.pem",
      keyFile: "/k.pem",
      caFile: "/ca.pem",
      // as in RabbitMQ
      verifyPeer: "no",
      minVersion: "TLSv1.3",
      passphrase: "carrot",
    },
  });
  assertEquals(options.prometheusTls, {
    port: 15691,
    hosts: [],
    options: {
      certFile: "/d.pem",
      keyFile: "/l.pem",
      caFile: "/ca.pem",
      verifyPeer: "fail-if-none",
    },
  });
  assertEquals(options.http, {
    connectionMax: Infinity,
    headTimeoutMs: 7000,
    idleTimeoutMs: 90_000,
  });
  assertEquals(options.ignored?.length, 3);
  const secure = configured(`
    management.ssl.max_connections = 100
    management.ssl.request_timeout = 7000
    management.ssl.idle_timeout = 90000
  `);
  assertEquals(secure.http, { connectionMax: 100, headTimeoutMs: 7000, idleTimeoutMs: 90_000 });
});

Deno.test("several listeners are served, the management API elsewhere than AMQP", async () => {
  const path = await Deno.makeTempFile({ suffix: ".conf" });
  try {
    const { connect } = await import("../../mod.ts");
    const ports: number[] = [];
    for (let count = 0; count < 3; count++) {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      ports.push(listener.addr.port);
    }
    const [first, second, management] = ports;
    await Deno.writeTextFile(
      path,
      `listeners.tcp.1 = 127.0.0.1:${first}\nlisteners.tcp.2 = 127.0.0.1:${second}\n` +
        `management.tcp.ip = 127.0.0.2\nmanagement.tcp.port = ${management}\n`,
    );
    await using program = new Program(
      { permissions: ["-A"] },
      "--memory",
      "--no-prometheus",
      `--config=${path}`,
    );
    await program.linesUntil(/Server startup complete/);
    for (const port of [first, second]) {
      await (await connect(`amqp://127.0.0.1:${port}`, { recovery: false })).close();
    }
    const response = await fetch(`http://127.0.0.2:${management}/api/auth`);
    assertEquals(response.status, 200);
    await response.body?.cancel();
  } finally {
    await Deno.remove(path);
  }
});

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ended, RunningBroker } from "./running_broker.ts";
import { RecordingTerminal } from "./recording_terminal.ts";

/** Lines that are to be printed: of standard output, and of standard error. */
interface Expected {
  readonly args: readonly string[];
  readonly code?: number;
  readonly out?: readonly string[];
  readonly err?: readonly string[];
}

/** What is said of a user who is new. */
const DONE = "Done. Don't forget to grant the user permissions to some virtual hosts! " +
  "See 'rabbitmqctl help set_permissions' to learn more.";

/** Texts as RabbitMQ 3.10.8 prints them; `deno task compare --only=rabbitmqctl` asks it. */
const CASES: readonly (readonly [title: string, calls: readonly Expected[]])[] = [
  ["users come, change and go", [
    {
      args: ["add_user", "alice", "secret"],
      out: ['Adding user "alice" ...', DONE],
    },
    {
      args: ["add_user", "alice", "secret"],
      code: 70,
      out: ['Adding user "alice" ...'],
      err: ["Error:", 'User "alice" already exists'],
    },
    {
      args: ["set_user_tags", "alice", "monitoring", "x"],
      out: ['Setting tags for user "alice" to [monitoring, x] ...'],
    },
    {
      args: ["list_users"],
      out: ["Listing users ...", "user\ttags", "alice\t[monitoring, x]", "guest\t[administrator]"],
    },
    { args: ["-q", "authenticate_user", "alice", "secret"], out: ["Success"] },
    { args: ["-q", "change_password", "alice", "other"] },
    {
      args: ["-q", "authenticate_user", "alice", "secret"],
      code: 65,
      err: [
        "Error:",
        'Error: failed to authenticate user "alice"',
        "user 'alice' - invalid credentials",
      ],
    },
    { args: ["-q", "authenticate_user", "alice", "other"], out: ["Success"] },
    // the password is as it was, and so are the tags
    {
      args: ["list_users", "--formatter", "json"],
      out: [
        "[",
        '{"user":"alice","tags":["monitoring","x"]}',
        ',{"user":"guest","tags":["administrator"]}',
        "]",
      ],
    },
    { args: ["clear_password", "alice"], out: ['Clearing password for user "alice" ...'] },
    { args: ["delete_user", "alice"], out: ['Deleting user "alice" ...'] },
    {
      args: ["delete_user", "alice"],
      code: 67,
      out: ['Deleting user "alice" ...'],
      err: ["Error:", 'User "alice" does not exist'],
    },
  ]],
  ["permissions are set, listed and cleared", [
    { args: ["-q", "add_vhost", "v1"] },
    {
      args: ["set_permissions", "-p", "v1", "guest", "a.*", "", "^$"],
      out: ['Setting permissions for user "guest" in vhost "v1" ...'],
    },
    {
      args: ["list_permissions", "--vhost=v1"],
      out: [
        'Listing permissions for vhost "v1" ...',
        "user\tconfigure\twrite\tread",
        "guest\ta.*\t\t^$",
      ],
    },
    {
      args: ["list_user_permissions", "guest", "--silent"],
      out: ["/\t.*\t.*\t.*", "v1\ta.*\t\t^$"],
    },
    { args: ["-q", "clear_permissions", "-p", "v1", "guest"] },
    // an empty list is an empty line
    { args: ["-q", "list_permissions", "-p", "v1"], out: [""] },
    {
      args: ["-q", "set_permissions", "-p", "v1", "nope", "", "", ""],
      code: 67,
      err: ["Error:", "User nope does not exist"],
    },
    {
      args: ["-q", "set_permissions", "-p", "v2", "guest", "", "", ""],
      code: 69,
      err: ["Error:", "Virtual host v2 does not exist"],
    },
    { args: ["-q", "set_topic_permissions", "-p", "v1", "guest", "amq.topic", "a", "b"] },
    {
      args: ["-q", "list_topic_permissions", "-p", "v1"],
      out: ["user\texchange\twrite\tread", "guest\tamq.topic\ta\tb"],
    },
    { args: ["-q", "list_user_topic_permissions", "guest"], out: ["v1\tamq.topic\ta\tb"] },
    { args: ["-q", "clear_topic_permissions", "-p", "v1", "guest", "amq.topic"] },
    { args: ["-q", "list_topic_permissions", "-p", "v1"], out: [""] },
    { args: ["-q", "delete_vhost", "v1"] },
    {
      args: ["delete_vhost", "v1"],
      code: 65,
      out: ['Deleting vhost "v1" ...'],
      err: ["Virtual host 'v1' does not exist"],
    },
  ]],
  ["queues are listed, purged and deleted", [
    {
      args: ["list_queues"],
      out: [
        "Timeout: 60.0 seconds ...",
        "Listing queues for vhost / ...",
        "name\tmessages",
        "a\\tb\t0",
        "orders\t3",
      ],
    },
    { args: ["list_queues", "-q", "--offline"] },
    {
      args: ["list_queues", "-q", "--offline", "--online"],
      out: ["name\tmessages", "a\\tb\t0", "orders\t3"],
    },
    {
      args: ["list_queues", "-q", "--offline", "--local"],
      out: ["name\tmessages", "a\\tb\t0", "orders\t3"],
    },
    { args: ["list_queues", "-q", "--online"], out: ["name\tmessages", "a\\tb\t0", "orders\t3"] },
    {
      args: ["list_queues", "name", "arguments", "--no-table-headers", "-q"],
      out: ["a\\tb\t[]", 'orders\t[{"x-max-length",100}]'],
    },
    {
      args: ["list_queues", "--formatter=json", "name", "messages", "arguments"],
      out: [
        "[",
        '{"name":"a\\tb","messages":0,"arguments":[]}',
        ',{"name":"orders","messages":3,"arguments":[["x-max-length","signedint",100]]}',
        "]",
      ],
    },
    {
      args: ["list_queues", "--formatter=csv", "name", "arguments"],
      out: ['"name","arguments"', '"a\\tb","[]"', '"orders","[{""x-max-length"",100}]"'],
    },
    { args: ["-q", "list_queues", "-p", "nope"] },
    { args: ["purge_queue", "orders"], out: ["Purging queue 'orders' in vhost '/' ..."] },
    { args: ["-s", "list_queues"], out: ["a\\tb\t0", "orders\t0"] },
    { args: ["-q", "purge_queue", "nope"], code: 69, err: ["Error:", "not_found"] },
    {
      args: ["delete_queue", "orders", "--if-empty", "-u"],
      out: [
        "Deleting queue 'orders' on vhost '/' if queue is empty and if queue is unused ...",
        "Queue was successfully deleted with 0 ready messages",
      ],
    },
    { args: ["-q", "delete_queue", "orders"], code: 64, err: ["Error:", "Queue not found"] },
    {
      args: ["-q", "delete_queue", "a\tb", "--force"],
      out: ["Queue was successfully deleted with 0 ready messages"],
    },
  ]],
  ["policies are set, listed and cleared", [
    {
      args: [
        "set_policy",
        "--priority",
        "3",
        "--apply-to",
        "queues",
        "p",
        "^x",
        '{"max-length":5}',
      ],
      out: [
        'Setting policy "p" for pattern "^x" to "{"max-length":5}" with priority "3" ' +
        'for vhost "/" ...',
      ],
    },
    {
      args: ["-q", "list_policies"],
      out: [
        "vhost\tname\tpattern\tapply-to\tdefinition\tpriority",
        '/\tp\t^x\tqueues\t{"max-length":5}\t3',
      ],
    },
    {
      args: ["-q", "set_policy", "p", "x", '{"nope":1}'],
      code: 69,
      err: [
        "Error:",
        "Validation failed",
        "",
        '[{<<"nope">>,1}] are not recognised policy settings',
        "",
      ],
    },
    {
      args: ["-q", "set_policy", "p", "x", "{"],
      code: 69,
      err: ["Error:", "JSON decoding error. Reason: badarg"],
    },
    { args: ["-q", "clear_policy", "p"] },
    {
      args: ["-q", "clear_policy", "p"],
      code: 69,
      err: ["Error:", "Parameter does not exist"],
    },
    { args: ["list_policies", "--formatter", "json"], out: ["[]"] },
  ]],
  ["vhosts are protected from deletion, and told more of", [
    { args: ["-q", "add_vhost", "v1", "-d", "one"] },
    {
      args: ["enable_vhost_deletion_protection", "v1"],
      out: ['Protecting virtual host "v1" from removal by updating its metadata...'],
    },
    {
      args: ["delete_vhost", "v1"],
      code: 65,
      out: ['Deleting vhost "v1" ...'],
      err: [
        "Error:",
        "Cannot delete this virtual host: it is protected from deletion. " +
        "To lift the protection, inspect and update its metadata",
      ],
    },
    {
      args: ["update_vhost_metadata", "v1", "--tags=a,b", "--default-queue-type", "quorum"],
      out: ['Updating metadata of vhost "v1" ...'],
    },
    {
      args: ["-q", "list_vhosts", "name", "description", "tags", "protected_from_deletion"],
      out: [
        "name\tdescription\ttags\tprotected_from_deletion",
        "/\tDefault virtual host\t[]\tfalse",
        "v1\tone\t[a, b]\ttrue",
      ],
    },
    {
      args: ["-q", "update_vhost_metadata", "v1", "--default-queue-type", "x"],
      code: 65,
      err: [
        "Error (argument validation): Bad argument: Default queue type must be one of: quorum, " +
        "stream, classic. Provided: x",
        "Arguments given:",
        "\t-q update_vhost_metadata v1 --default-queue-type x",
        "",
        "Usage",
        "",
        "rabbitmqctl [--node <node>] [--longnames] [--quiet] update_vhost_metadata <vhost> " +
        '[--description=<description>] [--tags="<tag1>,<tag2>,<...>"] ' +
        "[--default-queue-type=<quorum|classic|stream>] [--protected-from-deletion=<true|false>]",
      ],
    },
    {
      args: ["disable_vhost_deletion_protection", "v1"],
      out: [
        'Removing deletion protection from virtual host "v1" by updating its metadata...',
      ],
    },
    { args: ["-q", "delete_vhost", "v1"] },
    {
      args: ["-q", "enable_vhost_deletion_protection", "v1"],
      code: 65,
      err: ["Virtual host 'v1' does not exist"],
    },
  ]],
  ["permissions are set in all vhosts", [
    { args: ["-q", "add_vhost", "v1"] },
    { args: ["-q", "add_user", "bob", "x"], out: [DONE] },
    {
      args: ["set_permissions_globally", "bob", "a", "b", "c"],
      out: ['Setting permissions for user "bob" in all virtual hosts ...'],
    },
    {
      args: ["-q", "list_user_permissions", "bob"],
      out: ["vhost\tconfigure\twrite\tread", "/\ta\tb\tc", "v1\ta\tb\tc"],
    },
    {
      args: ["-q", "set_permissions_globally", "nope", "a", "b", "c"],
      code: 67,
      err: ["Error:", "User nope does not exist"],
    },
  ]],
  ["a shell is told how a name goes on", [
    { args: ["autocomplete", "list_q"], out: ["list_queues"] },
    { args: ["autocomplete", "list_queues"] },
    { args: ["autocomplete", "zzz"] },
    { args: ["autocomplete", "--", "--n"], out: ["--no-table-headers", "--node"] },
  ]],
  ["terms are printed as Erlang writes them", [
    {
      args: ["-q", "--formatter", "erlang", "list_queues", "name", "arguments", "durable", "type"],
      out: [
        '[[{name,<<"a\\tb">>},{arguments,[]},{durable,false},{type,classic}],',
        ' [{name,<<"orders">>},',
        '  {arguments,[{<<"x-max-length">>,signedint,100}]},',
        "  {durable,true},",
        "  {type,classic}]]",
      ],
    },
    { args: ["-q", "--formatter", "erlang", "list_queues", "-p", "nope"], out: ["[]"] },
    { args: ["-q", "--formatter", "erlang", "ping"], out: ['<<"Ping succeeded">>'] },
    { args: ["-q", "--formatter=erlang", "list_user_limits"], out: ['<<"{}">>'] },
    {
      args: ["-q", "--formatter=erlang", "list_users"],
      out: ['[[{user,<<"guest">>},{tags,[administrator]}]]'],
    },
  ]],
  ["limits are set, listed and cleared", [
    { args: ["-q", "set_vhost_limits", '{"max-queues":5}'] },
    { args: ["-q", "list_vhost_limits"], out: ['{"max-queues":5}'] },
    { args: ["-q", "clear_vhost_limits"] },
    { args: ["-q", "list_vhost_limits"], out: [""] },
    { args: ["-q", "set_user_limits", "guest", '{"max-channels":7}'] },
    { args: ["-q", "list_user_limits", "--user", "guest"], out: ['{"max-channels":7}'] },
    {
      args: ["clear_user_limits", "guest", "all"],
      out: ['Clearing all limits for user "guest" ...'],
    },
    { args: ["-q", "list_user_limits", "--user", "guest"], out: ["{}"] },
  ]],
  ["parameters of what there is not are refused, and policies are no parameters", [
    {
      args: ["-q", "set_parameter", "shovel", "s", '{"src-uri":"amqp://"}'],
      code: 69,
      err: ["Error:", "Validation failed", "", "component shovel not found", ""],
    },
    { args: ["-q", "list_parameters"], out: [""] },
    {
      args: ["-q", "clear_parameter", "policy", "p"],
      code: 69,
      err: ["Error:", "policies may not be cleared using this method"],
    },
  ]],
  ["what makes no sense ends with 64 and the usage", [
    {
      args: ["list_queues", "name", "foo", "bar"],
      code: 64,
      err: [
        "Error (argument validation): Info key(s) bar,foo are not supported",
        "Arguments given:",
        "\tlist_queues name foo bar",
        "",
        "Usage",
        "",
        "rabbitmqctl [--node <node>] [--longnames] [--quiet] list_queues [--vhost <vhost>] " +
        "[--online] [--offline] [--local] [--no-table-headers] [<column>, ...] " +
        "[--timeout <timeout>]",
      ],
    },
    {
      args: ["list_quees"],
      code: 64,
      err: ["", "Command 'list_quees' not found. ", "Did you mean 'list_queues'? ", ""],
    },
    {
      args: ["-q", "set_vm_memory_high_watermark", "7"],
      code: 65,
      err: [
        "Error (argument validation): Bad argument: The threshold should be a fraction between " +
        "0.0 and 1.0",
        "Arguments given:",
        "\t-q set_vm_memory_high_watermark 7",
        "",
        "Usage",
        "",
        "rabbitmqctl [--node <node>] [--longnames] [--quiet] set_vm_memory_high_watermark " +
        "<fraction> | absolute <value>",
      ],
    },
  ]],
];

for (const [title, calls] of CASES) {
  Deno.test(`rabbitmqctl: ${title}`, async () => {
    await using running = await RunningBroker.start();
    await running.furnish();
    for (const { args, code = 0, out = [], err = [] } of calls) {
      const lines = (text: readonly string[]) => text.map((line) => `${line}\n`).join("");
      assertEquals(
        { args, ...await running.ctl(...args) },
        { args, code, stdout: lines(out), stderr: lines(err) },
      );
    }
  });
}

Deno.test("rabbitmqctl set_vm_memory_high_watermark keeps everybody from publishing", async () => {
  await using running = await RunningBroker.start();
  const { broker } = running;
  assertEquals((await running.ctl("set_vm_memory_high_watermark", "0")).code, 0);
  assertEquals(broker.alarms.map(({ source }) => source), ["memory"]);
  const health = await running.ctl("-q", "node_health_check");
  assertEquals(health.code, 69);
  assertEquals((await running.ctl("set_vm_memory_high_watermark", "absolute", "64GB")).code, 0);
  assertEquals(broker.alarms, []);
  assertEquals(
    (await running.ctl("-q", "node_health_check")).stdout,
    "Health check passed\n",
  );
});

Deno.test("rabbitmqctl close_all_connections closes those of one vhost, with the reason", async () => {
  await using running = await RunningBroker.start();
  const { broker } = running;
  await broker.addVhost("other");
  const connection = await broker.connect();
  const other = await broker.connect({ vhost: "other" });
  const { stdout } = await running.ctl("close_all_connections", "bye now");
  assertEquals(
    stdout,
    "Closing all connections in vhost /, reason: bye now...\nClosed 1 connections\n",
  );
  const error = await connection.closed;
  assertStringIncludes(String(error), "bye now");
  assertEquals([...broker.connections()].map(({ vhost }) => vhost), ["other"]);
  await other.close();
});

Deno.test("rabbitmqctl close_connection takes what list_connections calls pid", async () => {
  await using running = await RunningBroker.start();
  const connection = await running.broker.connect();
  const { stdout } = await running.ctl("-s", "list_connections", "pid");
  assertEquals((await running.ctl("close_connection", stdout.trimEnd(), "bye")).code, 0);
  await connection.closed;
  const { code } = await running.ctl("close_connection", stdout.trimEnd(), "bye");
  assertEquals(code, 69);
});

Deno.test("rabbitmqctl carries definitions out and in, also through standard input", async () => {
  await using running = await RunningBroker.start();
  await running.furnish();
  const file = await Deno.makeTempFile({ suffix: ".json" });
  assertEquals((await running.ctl("export_definitions", file)).code, 0);
  await using empty = await RunningBroker.start();
  assertEquals((await empty.ctl("import_definitions", file)).code, 0);
  assertEquals([...empty.broker.queues()].map(({ name }) => name), ["a\tb", "orders"]);
  const { stdout } = await running.ctl("-q", "export_definitions", "-");
  await using second = await RunningBroker.start();
  const imported = await second.runWith(stdout, "rabbitmqctl", "-q", "import_definitions", "-");
  assertEquals(imported, { code: 0, stdout: "", stderr: "" });
  assertEquals([...second.broker.queues()].map(({ name }) => name), ["a\tb", "orders"]);
  const missing = await running.ctl("import_definitions", `${file}.nope`);
  assertEquals(missing.code, 65);
  assertStringIncludes(missing.stderr, `Bad argument: File ${file}.nope does not exist\n`);
  await Deno.remove(file);
});

Deno.test("rabbitmqctl lets nobody into vhosts that it imports", async () => {
  await using running = await RunningBroker.start();
  const file = JSON.stringify({ vhosts: [{ name: "v" }] });
  const { code } = await running.runWith(file, "rabbitmqctl", "-q", "import_definitions", "-");
  assertEquals(code, 0);
  assertEquals(running.broker.permissions({ vhost: "v" }), []);
});

Deno.test("rabbitmqctl reads a password from standard input", async () => {
  await using running = await RunningBroker.start();
  const { code } = await running.runWith("from stdin\nmore", "rabbitmqctl", "add_user", "bob");
  assertEquals(code, 0);
  assertEquals(await running.broker.authenticateUser("bob", "from stdin"), true);
  assertEquals((await running.ctl("add_user", "eve")).code, 70);
});

Deno.test("rabbitmqctl traces a vhost, and not one that is not there", async () => {
  await using running = await RunningBroker.start();
  const { stdout } = await running.ctl("trace_on");
  assertEquals(stdout, 'Starting tracing for vhost "/" ...\nTrace enabled for vhost /\n');
  assertEquals(running.broker.vhosts().map(({ tracing }) => tracing), [true]);
  assertEquals((await running.ctl("trace_off")).code, 0);
  assertEquals(running.broker.vhosts().map(({ tracing }) => tracing), [false]);
  assertEquals((await running.ctl("trace_on", "-p", "nope")).code, 65);
});

Deno.test("rabbitmqctl tells of the broker as a whole", async () => {
  await using running = await RunningBroker.start();
  await running.furnish();
  const status = JSON.parse((await running.ctl("status", "--formatter", "json")).stdout);
  assertEquals(status.totals, { virtual_host_count: 1, connection_count: 0, queue_count: 2 });
  assertEquals(status.product_name, "Warren");
  // in the words of the other commands of the program
  const own = await running.run("status", "--format", "json");
  assertEquals([own.code, JSON.parse(own.stdout).product_name], [0, "Warren"]);
  const rows = await running.run("list", "user_permissions", "guest", "--format=json");
  assertEquals([rows.code, JSON.parse(rows.stdout)[0].vhost], [0, "/"]);
  assertEquals((await running.ctl("status", "--format", "json")).code, 64);
  const { stdout } = await running.ctl("-q", "status");
  assertEquals(stdout.startsWith("Runtime\n\nOS PID: "), true);
  assertMatch(stdout, /\nInterface: 127\.0\.0\.1, port: \d+, protocol: amqp, purpose: AMQP/);
  const port = running.server.port;
  const terms = (await running.ctl("-q", "--formatter", "erlang", "status")).stdout;
  for (
    const line of [
      `[{pid,${Deno.pid}},\n {running_applications,[{rabbit,"RabbitMQ","`,
      "\n {alarms,[]},\n {is_under_maintenance,false},\n {listeners,[{listener,",
      `{listener,warren@localhost,amqp,"localhost",{127,0,0,1},${port},[]}`,
      "\n {vm_memory_calculation_strategy,rss},",
      "\n {totals,[{virtual_host_count,1},{connection_count,0},{queue_count,2}]},",
    ]
  ) assertStringIncludes(terms, line);
  const environment = (await running.ctl("environment")).stdout;
  assertMatch(
    environment,
    /^Application environment of node warren@localhost \.\.\.\n\[\{rabbit,\[\{/,
  );
  for (const line of ["{auth_mechanisms,[", `{tcp_listeners,[{"127.0.0.1",${port}}]}`]) {
    assertStringIncludes(environment, line);
  }
  const same = (await running.ctl("-q", "--formatter", "erlang", "environment")).stdout;
  assertEquals(environment.replace(/^.*\n/, ""), same);
  const cluster = JSON.parse((await running.ctl("cluster_status", "--formatter=json")).stdout);
  assertEquals(cluster.running_nodes, [running.broker.node().name]);
  for (const command of ["ping", "await_startup", "environment", "report", "version"]) {
    assertEquals((await running.ctl(command)).code, 0, command);
  }
});

Deno.test("rabbitmqctl's names are commands of the program as well, also in two words", async () => {
  await using running = await RunningBroker.start();
  assertEquals((await running.run("add_user", "carol", "x")).code, 0);
  assertEquals((await running.run("set", "user_tags", "carol", "management")).code, 0);
  assertEquals((await running.run("delete", "user", "carol")).code, 0);
  assertEquals(running.broker.users().map(({ name }) => name), ["guest"]);
});

Deno.test("rabbitmqctl ends with 69 and says why when nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const terminal = new RecordingTerminal({ env: { WARREN_URL: url } });
  const { code, stdout, stderr } = await ended(["rabbitmqctl", "list_users"], terminal);
  assertEquals([code, stdout], [69, ""]);
  assertMatch(stderr, /^Error: unable to perform an operation on node '.*'\. cannot reach .*\n/);
  const waiting = new RecordingTerminal({ env: { WARREN_URL: url } });
  const { code: late } = await ended(["rabbitmqctl", "await_startup", "-t", "0"], waiting);
  assertEquals(late, 75);
});

Deno.test("rabbitmqctl hash_password makes a hash that add_user takes", async () => {
  await using running = await RunningBroker.start();
  for (const [how, size] of [[[], 36], [["--hashing-algorithm", "SHA-512"], 68]] as const) {
    const { code, stdout } = await running.ctl("-q", "hash_password", "secret", ...how);
    assertEquals([code, atob(stdout.trim()).length], [0, size]);
  }
  const { stdout } = await running.runWith("secret\n", "rabbitmqctl", "-q", "hash_password");
  const added = await running.ctl("add_user", "dora", stdout.trim(), "--pre-hashed-password");
  assertEquals(added.code, 0);
  assertEquals(await running.broker.authenticateUser("dora", "secret"), true);
  const unknown = await running.ctl("hash_password", "x", "--hashing-algorithm", "rot13");
  assertEquals(unknown.code, 65);
  assertMatch(unknown.stderr, /: Bad argument: unsupported hashing algorithm: rot13\n/);
});

Deno.test("rabbitmqctl wait waits for the process that a file names", async () => {
  await using running = await RunningBroker.start();
  const folder = await Deno.makeTempDir({ prefix: "warren-pid-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const file = `${folder}/pid`;
  const late = running.ctl("wait", file);
  await Deno.writeTextFile(file, `${Deno.pid}\n`);
  const { code, stdout } = await late;
  assertEquals(code, 0);
  assertEquals(stdout.split("\n"), [
    `Waiting for pid file '${file}' to appear`,
    `pid is ${Deno.pid}`,
    `Waiting for erlang distribution on node '${running.url}' while OS process '${Deno.pid}' ` +
    "is running",
    `Waiting for applications 'rabbit_and_plugins' to start on node '${running.url}'`,
    `Applications 'rabbit_and_plugins' are running on node '${running.url}'`,
    "",
  ]);
  const quiet = await running.ctl("-q", "wait", "-P", `${Deno.pid}`);
  assertEquals([quiet.code, quiet.stdout], [0, ""]);
  const missing = await running.ctl("wait", `${file}.not`, "-t", "0");
  assertEquals(missing.code, 75);
  assertMatch(missing.stderr, /^Error: operation wait on node .* timed out\. Timeout value/);
  await Deno.writeTextFile(file, "hello");
  const garbage = await running.ctl("wait", file);
  assertEquals([garbage.code, garbage.stderr], [
    69,
    `Error:\n{:garbage_in_pid_file, "${file}"}\n`,
  ]);
  const dead = await running.ctl("wait", "--pid", `${2 ** 30}`);
  assertEquals([dead.code, dead.stderr], [69, "Error:\nprocess_not_running\n"]);
  const both = await running.ctl("wait", file, "--pid", "1");
  assertEquals(both.code, 64);
  assertMatch(both.stderr, /^Error \(argument validation\): "Cannot specify both pid and pidfile"/);
  assertMatch((await running.ctl("wait")).stderr, /"No pid or pidfile specified"/);
});

Deno.test("rabbitmqctl writes bold where a terminal is, and nowhere else", async () => {
  await using running = await RunningBroker.start();
  const bold = "\x1b[1mUsage\x1b[0m";
  for (const [out, err] of [[true, false], [false, true]]) {
    const terminal = () => running.terminal({ colours: out!, complaintColours: err! });
    const help = await ended(["rabbitmqctl", "help", "list_queues"], terminal());
    assertEquals(help.stdout.includes(bold), out);
    const all = await ended(["rabbitmqctl", "--help"], terminal());
    assertEquals(all.stdout.includes(bold), out);
    const status = await ended(["rabbitmqctl", "-q", "status"], terminal());
    assertEquals(status.stdout.startsWith("\x1b[1mRuntime\x1b[0m\n"), out);
    const wrong = await ended(["rabbitmqctl", "add_user"], terminal());
    assertEquals(wrong.stderr.includes(bold), err);
  }
});

Deno.test("rabbitmqctl ends with 69 when the user may not", async () => {
  await using running = await RunningBroker.start();
  const terminal = running.terminal({ env: { WARREN_PASSWORD: "wrong" } });
  const { code, stderr } = await ended(["rabbitmqctl", "list_users"], terminal);
  assertEquals(code, 69);
  assertMatch(stderr, /^Error: http.* refuses the user: .*\nWARREN_USER and WARREN_PASSWORD/);
});

Deno.test("rabbitmqctl does not say that it does what only RabbitMQ has", async () => {
  await using running = await RunningBroker.start();
  for (const command of ["eval", "force_boot", "join_cluster"]) {
    const { code, stdout, stderr } = await running.ctl(command, "1.");
    assertEquals([code, stdout], [69, ""], command);
    assertMatch(stderr, /^Error:\n.+\n$/);
  }
});

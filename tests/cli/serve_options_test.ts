import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BROKER_FLAGS } from "../../broker/cli/broker_options.ts";
import { OAUTH_FLAGS, OAUTH_OPTIONS } from "../../broker/cli/oauth_options.ts";
import { TLS_FLAGS } from "../../broker/cli/tls_options.ts";
import { UsageError } from "../../broker/cli/arguments.ts";
import {
  readServeOptions,
  SERVE_USAGE,
  type ServeOptions,
} from "../../broker/cli/serve_options.ts";

const DEFAULTS: ServeOptions = {
  help: false,
  version: false,
  hosts: [],
  port: 5672,
  noTcp: false,
  pidFile: undefined,
  clusterName: undefined,
  more: [],
  webSocketPort: undefined,
  origins: [],
  tls: undefined,
  managementPort: 15672,
  managementAsked: false,
  managementHosts: [],
  managementTls: undefined,
  prometheusPort: 15692,
  prometheusAsked: false,
  prometheusHosts: [],
  prometheusTls: undefined,
  http: {},
  socketPath: undefined,
  trustedProxies: [],
  memory: false,
  dataDir: undefined,
  sync: "always",
  user: undefined,
  passwordFile: undefined,
  oauth: undefined,
  definitions: undefined,
  logLevel: "info",
  logFormat: "text",
  traceMessages: undefined,
  broker: {},
};

const OAUTH: NonNullable<ServeOptions["oauth"]> = {
  resourceServerIds: ["r"],
  issuer: undefined,
  jwksUrl: undefined,
  jwksFile: undefined,
  keyFiles: [],
  defaultKeyId: undefined,
  algorithms: [],
  scopePrefix: undefined,
  aliasesFile: undefined,
  usernameClaims: [],
  scopeClaims: [],
  anyAudience: false,
  alone: false,
};

Deno.test("readServeOptions() has defaults for everything", () => {
  assertEquals(readServeOptions([]), DEFAULTS);
});

Deno.test("readServeOptions() reads each option, as one word or as two", () => {
  const cases: readonly (readonly [args: readonly string[], read: object])[] = [
    [["--help"], { help: true }],
    [["-h"], { help: true }],
    [["--version"], { version: true }],
    [["--host", "0.0.0.0"], { hosts: ["0.0.0.0"] }],
    [["--host=::1"], { hosts: ["::1"] }],
    [["--host", "[::1]"], { hosts: ["::1"] }],
    [["--host=10.0.0.1", "--host=::1"], { hosts: ["10.0.0.1", "::1"] }],
    [["--ws-port", "15670", "--ws-origin=https://a.example", "--ws-origin=*"], {
      webSocketPort: 15_670,
      origins: ["https://a.example", "*"],
    }],
    [["--unix=/run/w.sock", "--proxy-protocol", "10.0.0.0/8, unix"], {
      socketPath: "/run/w.sock",
      trustedProxies: ["10.0.0.0/8", "unix"],
    }],
    [
      ["--management-tls-cert=c", "--management-tls-key=k", "--prometheus-tls-port=1"].concat(
        ["--prometheus-tls-cert=d", "--prometheus-tls-key=l", "--prometheus-port=2"],
        ["--management-tls-host=10.0.0.1", "--management-tls-ca=a", "--management-tls-crl=r"],
      ),
      {
        managementPort: undefined,
        managementTls: {
          port: 15671,
          hosts: ["10.0.0.1"],
          options: { certFile: "c", keyFile: "k", caFile: "a", crlFile: "r", verifyPeer: "yes" },
        },
        prometheusPort: 2,
        prometheusAsked: true,
        prometheusTls: {
          port: 1,
          hosts: [],
          options: { certFile: "d", keyFile: "l", verifyPeer: "no" },
        },
      },
    ],
    [
      // nobody with a browser has to show a certificate because clients of AMQP have to
      ["--tls-cert=c", "--tls-key=k", "--tls-ca=a", "--management-tls-port=0"],
      {
        managementPort: undefined,
        managementTls: { port: 0, hosts: [], options: { certFile: "c", keyFile: "k" } },
        tls: {
          port: 5671,
          webSocketPort: undefined,
          hosts: [],
          more: [],
          options: { certFile: "c", keyFile: "k", caFile: "a", verifyPeer: "yes" },
        },
      },
    ],
    [
      ["--http-max-connections=10", "--http-max-connections-per-address", "infinity"].concat(
        ["--http-head-timeout=5s", "--http-request-timeout=1m", "--http-idle-timeout=500"],
        ["--http-write-timeout=10s", "--http-head-max=8KiB", "--http-connection-burst=7"],
        ["--http-connection-rate=9", "--http-connection-rate-per-address=infinity"],
      ),
      {
        http: {
          connectionMax: 10,
          connectionMaxPerAddress: Infinity,
          headTimeoutMs: 5000,
          requestTimeoutMs: 60_000,
          idleTimeoutMs: 500,
          writeTimeoutMs: 10_000,
          headSizeMax: 8192,
          connectionBurst: 7,
          connectionRate: 9,
          connectionRatePerAddress: Infinity,
        },
      },
    ],
    [["--tls-cert=c", "--tls-key", "k"], {
      tls: {
        port: 5671,
        webSocketPort: undefined,
        hosts: [],
        more: [],
        options: { certFile: "c", keyFile: "k", verifyPeer: "no" },
      },
    }],
    [
      ["--tls-cert=c", "--tls-key=k", "--tls-ca=a", "--tls-port=0", "--tls-host=[::]"].concat(
        ["--tls-host=10.0.0.1", "--tls-min-version=1.3", "--wss-port=443", "--ws-origin=*"],
      ),
      {
        origins: ["*"],
        tls: {
          port: 0,
          webSocketPort: 443,
          hosts: ["::", "10.0.0.1"],
          more: [],
          options: {
            certFile: "c",
            keyFile: "k",
            caFile: "a",
            verifyPeer: "yes",
            minVersion: "TLSv1.3",
          },
        },
      },
    ],
    [
      ["--tls-cert=c", "--tls-key=k", "--tls-cert=d", "--tls-key=l", "--tls-key-password-file=p"]
        .concat(["--tls-ca=a", "--tls-crl=r"]),
      {
        tls: {
          port: 5671,
          webSocketPort: undefined,
          hosts: [],
          more: [],
          options: {
            certFile: "c",
            keyFile: "k",
            passphraseFile: "p",
            others: [{ certFile: "d", keyFile: "l", passphraseFile: "p" }],
            caFile: "a",
            crlFile: "r",
            verifyPeer: "yes",
          },
        },
      },
    ],
    [["--auth-mechanisms=external,PLAIN"], { broker: { mechanisms: ["PLAIN", "EXTERNAL"] } }],
    [["--ssl-cert-login-from=common_name"], { broker: { certificateLogin: "common_name" } }],
    [["--ssl-cert-login-from", "dns:2"], {
      broker: { certificateLogin: { alternativeName: "dns", index: 2 } },
    }],
    [["--memory"], { memory: true }],
    [["--port", "0", "--memory"], {
      port: 0,
      memory: true,
      managementPort: undefined,
      prometheusPort: undefined,
    }],
    [["--port=0", "--data-dir=d"], {
      port: 0,
      dataDir: "d",
      managementPort: undefined,
      prometheusPort: undefined,
    }],
    [["--data-dir", "a b"], { dataDir: "a b" }],
    [["--sync", "never"], { sync: "never" }],
    [["--sync=interval=50"], { sync: { intervalMs: 50 } }],
    [["--memory", "--sync=never", "--help"], { help: true, memory: true, sync: "never" }],
    [["--port=65535"], { port: 65_535 }],
    [["--user=ops", "--password-file", "f"], { user: "ops", passwordFile: "f" }],
    [["--anonymous-user=guest"], { broker: { anonymousUser: "guest" } }],
    [["--oauth-resource-server-id=r", "--oauth-jwks-url", "https://id.example/keys"], {
      oauth: { ...OAUTH, jwksUrl: "https://id.example/keys" },
    }],
    [
      [
        "--oauth-resource-server-id=r",
        "--oauth-key=a.pem",
        "--oauth-key=two=/b=c.pem",
        "--oauth-jwks=keys.json",
        "--oauth-scope-aliases=aliases.json",
        "--oauth-username-claim=mail",
        "--oauth-scope-claim=a.b",
        "--oauth-scope-claim=c",
        "--oauth-any-audience",
        "--oauth-only",
      ],
      {
        oauth: {
          ...OAUTH,
          jwksFile: "keys.json",
          keyFiles: [["default", "a.pem"], ["two", "/b=c.pem"]],
          aliasesFile: "aliases.json",
          usernameClaims: ["mail"],
          scopeClaims: ["a.b", "c"],
          anyAudience: true,
          alone: true,
        },
      },
    ],
    [
      ["--oauth-resource-server-id=r", "--oauth-resource-server-id=s", "--oauth-default-key=one"]
        .concat(["--oauth-issuer=https://id.example/realm", "--oauth-scope-prefix=mq."])
        .concat(["--oauth-algorithm=RS256", "--oauth-algorithm=ES256"]),
      {
        oauth: {
          ...OAUTH,
          resourceServerIds: ["r", "s"],
          issuer: "https://id.example/realm",
          defaultKeyId: "one",
          algorithms: ["RS256", "ES256"],
          scopePrefix: "mq.",
        },
      },
    ],
    [["--password-hashing=rabbitmq-sha512"], {
      broker: { passwordHashing: "rabbitmq-sha512" },
    }],
    [["--log-level", "none"], { logLevel: "none" }],
    [["--log-level=debug", "--port", "1"], { logLevel: "debug", port: 1 }],
    [["--profile", "4.3"], { broker: { profile: "rabbitmq-4.3" } }],
    [["--profile=rabbitmq-3.13"], { broker: { profile: "rabbitmq-3.13" } }],
    [["--profile=drop-in"], { broker: { profile: "drop-in" } }],
    [["--message-memory=1GiB"], { broker: { messageMemory: 1_073_741_824 } }],
    [["--message-memory", "0"], { broker: { messageMemory: 0 } }],
    [["--message-size-max", "16MB"], { broker: { messageSizeMax: 16_000_000 } }],
    [["--consumer-timeout=30m"], { broker: { consumerTimeoutMs: 1_800_000 } }],
    [["--consumer-timeout=1500"], { broker: { consumerTimeoutMs: 1500 } }],
    [["--consumer-timeout=2h"], { broker: { consumerTimeoutMs: 7_200_000 } }],
    [["--handshake-timeout=500ms"], { broker: { handshakeTimeoutMs: 500 } }],
    [["--heartbeat=0"], { broker: { heartbeatSeconds: 0 } }],
    [["--frame-max=8KiB", "--profile=4.3"], {
      broker: { frameMax: 8192, profile: "rabbitmq-4.3" },
    }],
    [["--frame-max", "0"], { broker: { frameMax: 0 } }],
    [["--max-connections-per-address=9", "--max-connections-per-user=8"], {
      broker: { connectionMaxPerAddress: 9, connectionMaxPerUser: 8 },
    }],
    [["--connection-rate=7", "--connection-rate-per-address=infinity", "--connection-burst=6"], {
      broker: { connectionRate: 7, connectionRatePerAddress: Infinity, connectionBurst: 6 },
    }],
    [["--binding-limit=5", "--table-depth-max=4"], {
      broker: { bindingMax: 5, tableDepthMax: 4 },
    }],
    [
      ["--waiting-bytes-max-per-connection=16KiB", "--dead-letter-max=5000", "--opening-max=20"],
      { broker: { waitingBytesMaxPerConnection: 16_384, deadLetterMax: 5000, openingMax: 20 } },
    ],
    [["--dead-letter-max=infinity"], { broker: { deadLetterMax: Infinity } }],
    [["--unacked-bytes-max-per-channel=16MiB"], {
      broker: { unackedBytesMaxPerChannel: 16_777_216 },
    }],
    [["--unacked-bytes-max-per-channel=infinity"], {
      broker: { unackedBytesMaxPerChannel: Infinity },
    }],
    [["--max-connections=none", "--http-connection-rate=none"], {
      broker: { connectionMax: Infinity },
      http: { connectionRate: Infinity },
    }],
    [["--unacked-bytes-max-per-channel=none"], {
      broker: { unackedBytesMaxPerChannel: Infinity },
    }],
    [["--heap-high-watermark=0.5"], { broker: { heapHighWatermark: 0.5 } }],
    [["--outgoing-buffer-max=256KiB", "--write-timeout=5m", "--read-timeout=90s"], {
      broker: { outgoingBufferMax: 262_144, writeTimeoutMs: 300_000, readTimeoutMs: 90_000 },
    }],
    [["--handshake-frame-max=0"], { broker: { handshakeFrameMax: 0 } }],
    [["--handshake-frame-max=16KiB"], { broker: { handshakeFrameMax: 16_384 } }],
    [["--channel-max=65535", "--max-connections=100"], {
      broker: { channelMax: 65_535, connectionMax: 100 },
    }],
    [["--channel-max-per-node=5", "--consumer-max-per-channel=infinity"], {
      broker: { channelMaxPerNode: 5, consumerMaxPerChannel: Infinity },
    }],
    [["--no-management"], { managementPort: undefined }],
    [["--no-prometheus"], { prometheusPort: undefined }],
    [["--prometheus-port=0"], { prometheusPort: 0, prometheusAsked: true }],
    [["--management-port=0"], { managementPort: 0, managementAsked: true }],
    [["--port=0", "--memory", "--management-port=1"], {
      port: 0,
      memory: true,
      managementPort: 1,
      managementAsked: true,
      prometheusPort: undefined,
    }],
    [["--queue-limit=0", "--exchange-limit=9"], { broker: { queueMax: 0, exchangeMax: 9 } }],
  ];
  for (const [args, read] of cases) {
    assertEquals(readServeOptions(args), { ...DEFAULTS, ...read });
  }
});

const SIZES: readonly (readonly [text: string, bytes: number])[] = [
  ["0", 0],
  ["1234", 1234],
  ["4k", 4096],
  ["4kiB", 4096],
  ["4kB", 4000],
  ["200M", 209_715_200],
  ["200MiB", 209_715_200],
  ["200MB", 200_000_000],
  ["2G", 2_147_483_648],
  ["2GB", 2_000_000_000],
  ["2gb", 2_000_000_000],
  ["4Ki", 4096],
  ["512Mi", 536_870_912],
  ["1gib", 1_073_741_824],
  ["1TB", 1_000_000_000_000],
  ["1TiB", 1_099_511_627_776],
  ["2Ti", 2_199_023_255_552],
  ["1PB", 1_000_000_000_000_000],
];

for (const [text, bytes] of SIZES) {
  Deno.test(`readServeOptions() reads the size ${text} as RabbitMQ does`, () => {
    assertEquals(readServeOptions(["--disk-free-limit", text]).broker.diskFreeLimit, bytes);
  });
}

Deno.test("readServeOptions() reads a watermark as a part up to 1, and as a size", () => {
  const read = (text: string) =>
    readServeOptions(["--memory-high-watermark", text]).broker.memoryHighWatermark;
  assertEquals([read("0"), read("0.4"), read(".5"), read("1")], [0, 0.4, 0.5, 1]);
  assertEquals([read("200MiB"), read("1000000")], [209_715_200, 1_000_000]);
});

const WRONG: readonly (readonly [args: readonly string[], message: string])[] = [
  [["--prot", "1"], "unknown argument '--prot'"],
  [["-p", "1"], "unknown argument '-p'"],
  [["serve"], "unknown argument 'serve'"],
  [["--port", "1", "2"], "unknown argument '2'"],
  [["--port"], "--port takes a number from 0 to 65535, not ''"],
  [["--port", "65536"], "--port takes a number from 0 to 65535, not '65536'"],
  [["--port=-1"], "--port takes a number from 0 to 65535, not '-1'"],
  [["--port", "5672x"], "--port takes a number from 0 to 65535, not '5672x'"],
  [["--port", "0x10"], "--port takes a number from 0 to 65535, not '0x10'"],
  [["--port", "1", "--port", "2"], "--port is given twice"],
  [["--port", "0"], "--port 0 needs --data-dir DIR or --memory: a free port names no folder"],
  [
    ["--no-management", "--management-port=1"],
    "--management-port does not go with --no-management",
  ],
  [
    ["--no-prometheus", "--prometheus-port=1"],
    "--prometheus-port does not go with --no-prometheus",
  ],
  [
    ["--no-management", "--management-tls-port=1"],
    "--management-tls-port needs --management-tls-cert, or --tls-cert",
  ],
  [
    ["--no-management", "--management-tls-cert=c", "--management-tls-key=k"],
    "--management-tls-cert does not go with --no-management",
  ],
  [["--management-tls-cert=c"], "--management-tls-cert needs --management-tls-key"],
  [["--management-tls-host=::"], "--management-tls-host needs --management-tls-port"],
  [
    ["--http-max-connections=0"],
    "--http-max-connections takes a whole number from 1, or infinity, not '0'",
  ],
  [
    ["--http-connection-rate=fast"],
    "--http-connection-rate takes a whole number from 1, or infinity, not 'fast'",
  ],
  [
    ["--http-connection-burst=infinity"],
    "--http-connection-burst takes a whole number from 1, not 'infinity'",
  ],
  [
    ["--http-idle-timeout=infinity"],
    "--http-idle-timeout takes a time in ms, or such as 30m, from 1 to 2147483647 ms, not 'infinity'",
  ],
  [["--data-dir="], "--data-dir takes a directory"],
  [["--data-dir", "a", "--data-dir", "a"], "--data-dir is given twice"],
  [["--sync", "interval=0"], "--sync takes always, never or interval=MS, not 'interval=0'"],
  [
    ["--memory", "--data-dir", "d"],
    "--data-dir does not go with --memory, which keeps nothing on disk",
  ],
  [
    ["--memory", "--sync=always"],
    "--sync does not go with --memory, which keeps nothing on disk",
  ],
  [["--user", "ops"], "--user and --password-file need each other"],
  [["--password-file=f"], "--user and --password-file need each other"],
  [["--user=", "--password-file=f"], "--user takes a name"],
  [
    ["--password-hashing=md5"],
    "--password-hashing takes scrypt, rabbitmq-sha256, rabbitmq-sha512, not 'md5'",
  ],
  [["--host="], "--host takes an address such as 0.0.0.0, not ''"],
  [["--ws-port", "ws"], "--ws-port takes a number from 0 to 65535, not 'ws'"],
  [["--ws-origin=*"], "--ws-origin needs --ws-port or --wss-port"],
  [["--tls-cert=c"], "--tls-cert needs --tls-key"],
  [["--tls-key=k"], "--tls-key needs --tls-cert"],
  [["--wss-port=1"], "--wss-port needs --tls-cert"],
  [
    ["--tls-cert=c", "--tls-key=k", "--tls-cert=d"],
    "there are 2 --tls-cert and 1 --tls-key: each needs its own",
  ],
  [["--tls-key-password-file=p"], "--tls-key-password-file needs --tls-cert"],
  [
    ["--tls-cert=c", "--tls-key=k", "--tls-crl=r"],
    "--tls-crl needs --tls-ca, and clients who are asked for a certificate",
  ],
  [["--tls-cert=", "--tls-key=k"], "--tls-cert takes a file"],
  [
    ["--tls-cert=c", "--tls-key=k", "--tls-verify-peer=maybe"],
    "--tls-verify-peer takes no, yes, fail-if-none, not 'maybe'",
  ],
  [
    ["--tls-cert=c", "--tls-key=k", "--tls-verify-peer=yes"],
    "--tls-verify-peer yes needs --tls-ca",
  ],
  [
    ["--tls-cert=c", "--tls-key=k", "--tls-min-version=1.1"],
    "--tls-min-version takes 1.2, 1.3, not '1.1'",
  ],
  [
    ["--auth-mechanisms=PLAIN,ANONYMOUS"],
    "--auth-mechanisms takes some of PLAIN, AMQPLAIN and EXTERNAL, with commas between, " +
    "not 'PLAIN,ANONYMOUS'",
  ],
  [
    ["--ssl-cert-login-from=cn"],
    "--ssl-cert-login-from takes distinguished_name, common_name, or dns, email, uri or ip, " +
    "not 'cn'",
  ],
  [["--unix="], "--unix takes a path"],
  [["--unix=a", "--unix=b"], "--unix is given twice"],
  [
    ["--proxy-protocol", "10.0.0.0/8,"],
    "--proxy-protocol takes addresses with commas between, not '10.0.0.0/8,'",
  ],
  [["--host", "a b"], "--host takes an address such as 0.0.0.0, not 'a b'"],
  [["--host", "amqp://x"], "--host takes an address such as 0.0.0.0, not 'amqp://x'"],
  [["--profile", "4.2"], "--profile takes drop-in, rabbitmq-3.13 or rabbitmq-4.3, not '4.2'"],
  [["--message-memory", "1QiB"], "--message-memory takes a size such as 256MiB, not '1QiB'"],
  [["--message-memory=-1"], "--message-memory takes a size such as 256MiB, not '-1'"],
  [["--message-memory="], "--message-memory takes a size such as 256MiB, not ''"],
  [
    ["--memory", "--message-memory=1"],
    "--message-memory does not go with --memory, which keeps nothing on disk",
  ],
  [
    ["--message-size-max=600MiB"],
    "--message-size-max takes a size such as 256MiB, up to 512MiB, not '600MiB'",
  ],
  [
    ["--consumer-timeout=1.5h"],
    "--consumer-timeout takes a time in ms, or such as 30m, not '1.5h'",
  ],
  [
    ["--handshake-timeout=0"],
    "--handshake-timeout takes a time in ms, or such as 30m, from 1 to 2147483647 ms, not '0'",
  ],
  [["--heartbeat=1m"], "--heartbeat takes a number from 0 to 65535, not '1m'"],
  [["--frame-max=100"], "--frame-max takes 0, or a size from 4096 to 4294967295, not '100'"],
  [
    ["--profile=4.3", "--frame-max=4KiB"],
    "--frame-max takes 0, or a size from 8192 to 4294967295, not '4096'",
  ],
  [["--channel-max=0"], "--channel-max takes a number from 1 to 65535, not '0'"],
  [["--max-connections=many"], "--max-connections takes a whole number or infinity, not 'many'"],
  [["--queue-limit=1", "--queue-limit=2"], "--queue-limit is given twice"],
  [
    ["--memory-high-watermark", "1.5"],
    "--memory-high-watermark takes a part such as 0.6, or a size such as 2GiB, not '1.5'",
  ],
  [
    ["--disk-free-limit", "5 MB"],
    "--disk-free-limit takes a size such as 256MiB, or 1.5x of a memory that may be asked for, not '5 MB'",
  ],
  [["--heap-high-watermark=2"], "--heap-high-watermark takes a part such as 0.8, not '2'"],
  [
    ["--disk-free-limit="],
    "--disk-free-limit takes a size such as 256MiB, or 1.5x of a memory that may be asked for, not ''",
  ],
  [
    ["--memory", "--disk-free-limit=1MB"],
    "--disk-free-limit does not go with --memory, which keeps nothing on disk",
  ],
  [["--anonymous-user="], "--anonymous-user takes a name, not ''"],
  [["--oauth-only"], "--oauth-only needs --oauth-resource-server-id"],
  [["--oauth-key=k"], "--oauth-key needs --oauth-resource-server-id"],
  [["--oauth-resource-server-id="], "--oauth-resource-server-id takes a name"],
  [
    ["--oauth-resource-server-id=r"],
    "tokens need keys: pass --oauth-issuer, --oauth-jwks-url, --oauth-jwks or --oauth-key",
  ],
  [
    ["--oauth-resource-server-id=r", "--oauth-jwks-url=keys"],
    "--oauth-jwks-url takes an address of https, not 'keys'",
  ],
  [["--connection-burst=0"], "--connection-burst takes a whole number from 1, not '0'"],
  [["--opening-max=0"], "--opening-max takes a number from 1 to 100000, not '0'"],
  [["--table-depth-max=65"], "--table-depth-max takes a number from 2 to 64, not '65'"],
  [
    ["--handshake-frame-max=100"],
    "--handshake-frame-max takes 0, or a size from 4096 to 4294967295, not '100'",
  ],
  [
    ["--outgoing-buffer-max=1GiB"],
    "--outgoing-buffer-max takes a size such as 256MiB, from 4096 to 64MiB, not '1GiB'",
  ],
  [
    ["--write-timeout=1d"],
    "--write-timeout takes a time in ms, or such as 30m, up to 2147483647 ms, not '1d'",
  ],
  [["--log-level", "all"], "--log-level takes debug, info, warning, error, none, not 'all'"],
];

for (const [args, message] of WRONG) {
  Deno.test(`readServeOptions() refuses ${args.join(" ")}`, () => {
    const error = assertThrows(() => readServeOptions(args), UsageError);
    assertEquals(error.message, message);
  });
}

Deno.test("SERVE_USAGE names every option and fits a terminal", () => {
  const options =
    ("host port ws-port ws-origin unix proxy-protocol data-dir memory sync user password-file " +
      "log-level version help").split(" ")
      .concat(OAUTH_FLAGS, OAUTH_OPTIONS, TLS_FLAGS, BROKER_FLAGS);
  for (const option of options) assertMatch(SERVE_USAGE, new RegExp(`^ {2}--${option}\\b`, "m"));
  assertEquals(SERVE_USAGE.split("\n").filter((line) => line.length > 90), []);
});

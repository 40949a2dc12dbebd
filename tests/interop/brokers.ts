import { freePorts, startRabbitmq } from "../support/rabbitmq.ts";
import { BackgroundProcess } from "./background_process.ts";
import {
  installCertificate,
  rabbitmqTls,
  type RunningTls,
  startStrictWarren,
  tlsArguments,
} from "./tls.ts";

/** How long the broker may take until it listens. */
const START_MS = 120_000;

/** A broker that the programs talk to. */
export interface RunningBroker extends AsyncDisposable {
  /** What it is, for the first line of output. */
  readonly name: string;
  /** The AMQP port on 127.0.0.1. */
  readonly port: number;
  /** Its port for WebSocket, if it has one. */
  readonly webSocketPort: number | undefined;
  /** How it speaks TLS. */
  readonly tls: RunningTls;
  /** The port of its management API. */
  readonly managementPort: number;
  /** The port of the same with TLS, if it has one. */
  readonly managementTlsPort: number | undefined;
  /** The port of its metrics. */
  readonly prometheusPort: number;
  /** What it wrote, to be shown when something failed. */
  readonly output: string;
  /** Ends it and starts it again on the same ports, with what was durable; `kill` asks nobody. */
  restart(how: "stop" | "kill"): Promise<void>;
  /** Runs its `rabbitmqctl` with these arguments. */
  control(...args: string[]): Promise<unknown>;
}

/** The brokers that `--broker` can name. */
export const BROKERS: ReadonlyMap<string, () => Promise<RunningBroker>> = new Map([
  ["warren", startWarren],
  ["rabbitmq", startDebiansRabbitmq],
]);

/** Runs the broker's own program, as a user would: what is durable is kept, here in a folder of `/tmp`. */
async function startWarren(): Promise<RunningBroker> {
  const program = new URL("../../broker/main.ts", import.meta.url).pathname;
  // fixed, so that clients find it again, and not one that a connection may have been given by then
  const [port, webSocketPort, tlsPort, managementPort, prometheusPort, managementTlsPort] =
    freePorts(6);
  await using cleanup = new AsyncDisposableStack();
  const dataDir = await Deno.makeTempDir({ prefix: "warren-interop-" });
  cleanup.defer(() => Deno.remove(dataDir, { recursive: true }));
  const ports = [
    ...["--port", `${port}`, "--ws-port", `${webSocketPort}`],
    ...["--management-port", `${managementPort}`, "--prometheus-port", `${prometheusPort}`],
    ...["--management-tls-port", `${managementTlsPort}`],
    // also of a slow machine nobody is to be hurried
    ...["--handshake-timeout", "60s"],
  ];
  await installCertificate(dataDir, "server");
  const strict = cleanup.use(await startStrictWarren(program, dataDir));
  const start = async () => {
    const broker = new BackgroundProcess({
      command: Deno.execPath(),
      args: ["run", "-A", program, ...ports, "--data-dir", `${dataDir}/data`].concat(
        tlsArguments(tlsPort, "yes", dataDir),
      ),
    });
    await broker.waitForOutput(/amqp:\/\/127\.0\.0\.1:\d+/, START_MS);
    await broker.waitForOutput(/ws:\/\/127\.0\.0\.1:\d+/, START_MS);
    await broker.waitForOutput(/Server startup complete/, START_MS);
    return broker;
  };
  let output = "";
  let broker = await start();
  cleanup.defer(async () => void await broker.stop());
  let renewed = false;
  let reloads = 0;
  const renew = async () => {
    renewed = !renewed;
    await installCertificate(dataDir, renewed ? "renewed" : "server");
    // one line for each address
    reloads += 1;
    Deno.kill(broker.pid, "SIGHUP");
    const lines = `(?:amqps://127\\S*: certificates reloaded[^]*?){${reloads}}`;
    await broker.waitForOutput(new RegExp(lines), START_MS);
  };
  const control = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", program, "rabbitmqctl", "--quiet", ...args],
      env: { WARREN_URL: `http://127.0.0.1:${managementPort}` },
      stdin: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const owned = cleanup.move();
  return {
    name: "Warren",
    port,
    webSocketPort,
    tls: { port: tlsPort, strictPort: strict.port, renew },
    managementPort,
    managementTlsPort,
    prometheusPort,
    get output() {
      return output + broker.output;
    },
    async restart(how) {
      await broker[how]();
      output += broker.output;
      reloads = 0;
      broker = await start();
    },
    control,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs RabbitMQ: what passes here is what the programs may ask of Warren. */
async function startDebiansRabbitmq(): Promise<RunningBroker> {
  let [tlsPort, managementPort, prometheusPort] = [0, 0, 0];
  const server = await startRabbitmq(
    [
      "rabbitmq_consistent_hash_exchange",
      "rabbitmq_auth_mechanism_ssl",
      "rabbitmq_management",
      "rabbitmq_prometheus",
    ],
    () => {
      [tlsPort, managementPort, prometheusPort] = freePorts(3);
      return `${rabbitmqTls(tlsPort)}\nmanagement.tcp.ip = 127.0.0.1\n` +
        `management.tcp.port = ${managementPort}\nprometheus.tcp.ip = 127.0.0.1\n` +
        `prometheus.tcp.port = ${prometheusPort}\n`;
    },
  );
  if (server === undefined) {
    throw new Error("Cannot start RabbitMQ: it is not installed");
  }
  return {
    name: `RabbitMQ ${server.version}`,
    port: server.port,
    webSocketPort: undefined,
    tls: { port: tlsPort, strictPort: undefined, renew: undefined },
    managementPort,
    managementTlsPort: undefined,
    prometheusPort,
    output: "",
    restart: () => server.restart(), // in an orderly way only
    control: (...args) => server.control(...args),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

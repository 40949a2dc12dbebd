import { certificatePath, ENCRYPTED_KEY } from "../support/certificates.ts";
import { freePorts } from "../support/rabbitmq.ts";
import { BackgroundProcess } from "./background_process.ts";

/** Where programs find TLS. */
export interface RunningTls {
  /** A port that asks for certificates and takes clients without one, too. */
  readonly port: number;
  /** One that keeps them out. */
  readonly strictPort: number | undefined;
  /** Puts another certificate in place and has it loaded: `CN=renewed` for `CN=localhost`, or back. */
  readonly renew: (() => Promise<void>) | undefined;
}

/** The options that give `broker/main.ts` TLS: names are the CN of certificates, such as guest. */
export function tlsArguments(
  port: number,
  verify: "yes" | "fail-if-none",
  directory: string,
): string[] {
  return [
    `--tls-port=${port}`,
    `--tls-cert=${directory}/broker.pem`,
    `--tls-key=${directory}/broker.key`,
    `--tls-ca=${certificatePath("ca.pem")}`,
    `--tls-verify-peer=${verify}`,
    "--auth-mechanisms=PLAIN,AMQPLAIN,EXTERNAL",
    "--ssl-cert-login-from=common_name",
  ];
}

/** Puts the broker's certificate where `tlsArguments` says. */
export async function installCertificate(
  directory: string,
  name: "server" | "renewed",
): Promise<void> {
  await Deno.copyFile(certificatePath(`${name}.pem`), `${directory}/broker.pem`);
  await Deno.copyFile(certificatePath(`${name}.key`), `${directory}/broker.key`);
}

/** A broker beside the others that lets nobody in without a certificate. Its own key is encrypted, and it
 * has another certificate for another name. */
export async function startStrictWarren(
  program: string,
  directory: string,
): Promise<AsyncDisposable & { readonly port: number }> {
  const [plainPort, port] = freePorts(2);
  const passphraseFile = `${directory}/passphrase`;
  await Deno.writeTextFile(passphraseFile, ENCRYPTED_KEY.passphrase);
  const more = [
    "--handshake-timeout=60s",
    `--tls-key-password-file=${passphraseFile}`,
    `--tls-cert=${certificatePath("elsewhere.pem")}`,
    `--tls-key=${certificatePath("elsewhere.key")}`,
  ];
  const own = tlsArguments(port, "fail-if-none", directory).map((arg) =>
    arg.startsWith("--tls-key=") ? `--tls-key=${certificatePath("server-encrypted.key")}` : arg
  );
  const broker = new BackgroundProcess({
    command: Deno.execPath(),
    args: ["run", "-A", program, "--memory", `--port=${plainPort}`, ...own, ...more],
  });
  await broker.waitForOutput(/amqps:\/\/127\.0\.0\.1:\d+/, 120_000);
  return { port, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() };
}

/** The configuration that gives RabbitMQ the same. */
export function rabbitmqTls(port: number): string {
  return [
    `listeners.ssl.1 = 127.0.0.1:${port}`,
    `ssl_options.cacertfile = ${certificatePath("ca.pem")}`,
    `ssl_options.certfile = ${certificatePath("server.pem")}`,
    `ssl_options.keyfile = ${certificatePath("server.key")}`,
    "ssl_options.verify = verify_peer",
    "ssl_options.fail_if_no_peer_cert = false",
    "auth_mechanisms.1 = PLAIN",
    "auth_mechanisms.2 = AMQPLAIN",
    "auth_mechanisms.3 = EXTERNAL",
    "ssl_cert_login_from = common_name",
    "",
  ].join("\n");
}

import type { TlsOptions, TlsVersion, VerifyPeer } from "../net/tls_context.ts";
import type { Place } from "./serve_options.ts";
import { type Arguments, readPort, readWord, UsageError } from "./arguments.ts";

/** The port that clients with TLS look for. */
export const DEFAULT_TLS_PORT = 5671;

/** TLS as the command line asks for it. */
export interface TlsListening {
  /** The port; 0 for any free one. */
  readonly port: number;
  /** The port for WebSocket with TLS; undefined for none. */
  readonly webSocketPort: number | undefined;
  /** The addresses to listen on; none for those without TLS. */
  readonly hosts: readonly string[];
  /** Where to listen besides. */
  readonly more: readonly Place[];
  /** What listeners are told. */
  readonly options: TlsOptions;
}

/** How it is used. */
export const TLS_USAGE =
  `  --tls-cert FILE    serve TLS as well, with the certificate in this file, and behind it
                     those up to the root. SIGHUP reads all files again. May be given
                     more than once: each is for clients who ask for a name that it is
                     for, the first for all others
  --tls-key FILE     its private key; as many as there are certificates
  --tls-key-password-file F
                     the first line of this file is what the keys are encrypted with
  --tls-port PORT    port for TLS, 0 for any free one (default: ${DEFAULT_TLS_PORT})
  --tls-host ADDRESS address for TLS, which may be given more than once, such as 0.0.0.0
                     while others come in from this machine alone (default: as --host)
  --tls-listen [ADDRESS:]PORT
                     listen with TLS there as well, which may be given more than once
  --tls-ca FILE      certificates of those who may sign certificates of clients
  --tls-crl FILE     certificates of clients that count no more: lists of all those who
                     have signed them
  --tls-verify-peer V
                     ask clients for a certificate: no, yes, or fail-if-none, when nobody
                     comes in without one (default: no; with --tls-ca: yes)
  --tls-min-version V
                     oldest version of TLS: 1.2 or 1.3 (default: 1.2)
  --wss-port PORT    serve AMQP over WebSocket with TLS there as well`;

/** Their names, apart from those that may be given more than once. */
export const TLS_FLAGS: readonly string[] = [
  "tls-cert",
  "tls-key",
  "tls-key-password-file",
  "tls-port",
  "tls-host",
  "tls-listen",
  "tls-ca",
  "tls-crl",
  "tls-verify-peer",
  "tls-min-version",
  "wss-port",
];

const VERSIONS: Readonly<Record<string, TlsVersion>> = { "1.2": "TLSv1.2", "1.3": "TLSv1.3" };

/**
 * Reads them; undefined when there is no TLS.
 *
 * @param readHost Reads an address.
 * @param readPlace Reads a port that may come with one.
 * @throws {UsageError} When a value makes no sense, or something is missing.
 */
export function readTlsOptions(
  given: Arguments,
  readHost: (text: string) => string,
  readPlace: (text: string) => Place,
): TlsListening | undefined {
  const certFiles = readFiles(given, "tls-cert");
  const keyFiles = readFiles(given, "tls-key");
  const passphraseFile = readFile(given, "tls-key-password-file");
  const caFile = readFile(given, "tls-ca");
  const crlFile = readFile(given, "tls-crl");
  const verifyPeer = readWord<VerifyPeer>(given, "tls-verify-peer", ["no", "yes", "fail-if-none"]);
  const version = readWord(given, "tls-min-version", Object.keys(VERSIONS));
  const [certFile] = certFiles;
  const [keyFile] = keyFiles;
  if (certFile === undefined || keyFile === undefined) {
    const other = TLS_FLAGS.find((flag) => given.values(flag).length > 0);
    if (other === undefined) return undefined;
    const missing = certFile === undefined ? "tls-cert" : "tls-key";
    throw new UsageError(`--${other} needs --${missing}`);
  }
  if (certFiles.length !== keyFiles.length) {
    throw new UsageError(
      `there are ${certFiles.length} --tls-cert and ${keyFiles.length} --tls-key: each needs its own`,
    );
  }
  if (verifyPeer !== undefined && verifyPeer !== "no" && caFile === undefined) {
    throw new UsageError(`--tls-verify-peer ${verifyPeer} needs --tls-ca`);
  }
  if (crlFile !== undefined && (caFile === undefined || verifyPeer === "no")) {
    throw new UsageError("--tls-crl needs --tls-ca, and clients who are asked for a certificate");
  }
  const secret = passphraseFile === undefined ? {} : { passphraseFile };
  const others = certFiles.slice(1).map((certFile, index) => ({
    certFile,
    keyFile: keyFiles[index + 1]!,
    ...secret,
  }));
  return {
    port: readPort(given, "tls-port") ?? DEFAULT_TLS_PORT,
    webSocketPort: readPort(given, "wss-port"),
    hosts: given.values("tls-host").map(readHost),
    more: given.values("tls-listen").map(readPlace),
    options: {
      certFile,
      keyFile,
      ...secret,
      ...others.length === 0 ? {} : { others },
      ...caFile === undefined ? {} : { caFile },
      ...crlFile === undefined ? {} : { crlFile },
      verifyPeer: verifyPeer ?? (caFile === undefined ? "no" : "yes"),
      ...version === undefined ? {} : { minVersion: VERSIONS[version]! },
    },
  };
}

function readFiles(given: Arguments, option: string): readonly string[] {
  const files = given.values(option);
  if (files.includes("")) throw new UsageError(`--${option} takes a file`);
  return files;
}

function readFile(given: Arguments, option: string): string | undefined {
  const text = given.value(option);
  if (text === "") throw new UsageError(`--${option} takes a file`);
  return text;
}

import type { TlsOptions, TlsVersion, VerifyPeer } from "../net/tls_context.ts";
import type { Place } from "./serve_options.ts";
import { type Arguments, readPort, readWord, UsageError } from "./arguments.ts";

/** The port that clients with TLS look for. */
export const DEFAULT_TLS_PORT = 5671;
/** The same of what is served over HTTP. */
const DEFAULT_SIDE_PORTS: Readonly<Record<Side, number>> = {
  management: 15671,
  prometheus: 15691,
};

/** What is served over HTTP. */
export type Side = "management" | "prometheus";

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

/** What a listener with TLS is told, by the ends of the names of its options. */
const CERTIFICATE_FLAGS: readonly string[] = [
  "cert",
  "key",
  "key-password-file",
  "ca",
  "crl",
  "verify-peer",
  "min-version",
];

/** Their names. */
export const TLS_FLAGS: readonly string[] = [
  ...CERTIFICATE_FLAGS.map((flag) => `tls-${flag}`),
  "tls-port",
  "tls-host",
  "tls-listen",
  "wss-port",
];

/** The names of those of something that is served over HTTP. */
export function sideTlsFlags(side: Side): readonly string[] {
  return ["port", "host", ...CERTIFICATE_FLAGS].map((flag) => `${side}-tls-${flag}`);
}

/** HTTP with TLS as the command line asks for it. */
export interface SideTls {
  /** The port; 0 for any free one. */
  readonly port: number;
  /** The addresses; none for those without TLS. */
  readonly hosts: readonly string[];
  /** What listeners are told. */
  readonly options: TlsOptions;
}

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
  const options = readCertificates(given, "tls");
  if (options === undefined) {
    const other = TLS_FLAGS.find((flag) => given.values(flag).length > 0);
    if (other === undefined) return undefined;
    throw new UsageError(`--${other} needs --tls-cert`);
  }
  return {
    port: readPort(given, "tls-port") ?? DEFAULT_TLS_PORT,
    webSocketPort: readPort(given, "wss-port"),
    hosts: given.values("tls-host").map(readHost),
    more: given.values("tls-listen").map(readPlace),
    options,
  };
}

/**
 * Reads those of something that is served over HTTP; undefined when it is served without TLS.
 *
 * @param side What its options begin with.
 * @param usual What AMQP is served with, which has certificates as well.
 * @throws {UsageError} When a value makes no sense, or something is missing.
 */
export function readSideTls(
  given: Arguments,
  side: Side,
  readHost: (text: string) => string,
  usual: TlsListening | undefined,
): SideTls | undefined {
  const prefix = `${side}-tls`;
  const own = readCertificates(given, prefix);
  const port = readPort(given, `${prefix}-port`);
  if (port === undefined && own === undefined) {
    const other = sideTlsFlags(side).find((flag) => given.values(flag).length > 0);
    if (other === undefined) return undefined;
    throw new UsageError(`--${other} needs --${prefix}-port`);
  }
  const options = own ?? (usual === undefined ? undefined : withoutClients(usual.options));
  if (options === undefined) {
    throw new UsageError(`--${prefix}-port needs --${prefix}-cert, or --tls-cert`);
  }
  return {
    port: port ?? DEFAULT_SIDE_PORTS[side],
    hosts: given.values(`${prefix}-host`).map(readHost),
    options,
  };
}

/** People with a browser log in by a password. */
function withoutClients(
  { caFile: _ca, crlFile: _crl, verifyPeer: _verify, ...rest }: TlsOptions,
): TlsOptions {
  return rest;
}

/** What a listener is told of certificates; undefined when there are none. */
function readCertificates(given: Arguments, prefix: string): TlsOptions | undefined {
  const certFiles = readFiles(given, `${prefix}-cert`);
  const keyFiles = readFiles(given, `${prefix}-key`);
  const passphraseFile = readFile(given, `${prefix}-key-password-file`);
  const caFile = readFile(given, `${prefix}-ca`);
  const crlFile = readFile(given, `${prefix}-crl`);
  const verifyPeer = readWord<VerifyPeer>(given, `${prefix}-verify-peer`, [
    "no",
    "yes",
    "fail-if-none",
  ]);
  const version = readWord(given, `${prefix}-min-version`, Object.keys(VERSIONS));
  const [certFile] = certFiles;
  const [keyFile] = keyFiles;
  if (certFile === undefined || keyFile === undefined) {
    const other = CERTIFICATE_FLAGS.map((flag) => `${prefix}-${flag}`)
      .find((flag) => given.values(flag).length > 0);
    if (other === undefined) return undefined;
    const missing = certFile === undefined ? "cert" : "key";
    throw new UsageError(`--${other} needs --${prefix}-${missing}`);
  }
  if (certFiles.length !== keyFiles.length) {
    throw new UsageError(
      `there are ${certFiles.length} --${prefix}-cert and ${keyFiles.length} --${prefix}-key: each needs its own`,
    );
  }
  if (verifyPeer !== undefined && verifyPeer !== "no" && caFile === undefined) {
    throw new UsageError(`--${prefix}-verify-peer ${verifyPeer} needs --${prefix}-ca`);
  }
  if (crlFile !== undefined && (caFile === undefined || verifyPeer === "no")) {
    throw new UsageError(
      `--${prefix}-crl needs --${prefix}-ca, and clients who are asked for a certificate`,
    );
  }
  const secret = passphraseFile === undefined ? {} : { passphraseFile };
  const others = certFiles.slice(1).map((certFile, index) => ({
    certFile,
    keyFile: keyFiles[index + 1]!,
    ...secret,
  }));
  return {
    certFile,
    keyFile,
    ...secret,
    ...others.length === 0 ? {} : { others },
    ...caFile === undefined ? {} : { caFile },
    ...crlFile === undefined ? {} : { crlFile },
    verifyPeer: verifyPeer ?? (caFile === undefined ? "no" : "yes"),
    ...version === undefined ? {} : { minVersion: VERSIONS[version]! },
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

import type { X509Certificate } from "node:crypto";
import type { SecureContext, TLSSocket } from "node:tls";
import type { Clock } from "../amqp/clock.ts";
import { childrenOf, DerError, readDer } from "../amqp/der.ts";
import type { Revocations } from "../amqp/revocations.ts";
import { certificateProblem, TlsError } from "../amqp/tls_error.ts";
import { certificateChain } from "../amqp/tls_stream.ts";
import {
  type CertificateValidity,
  loadCertificates,
  type LoadedCertificate,
  type LoadedCertificates,
  type TlsCertificates,
} from "./tls_certificates.ts";

/** The tag of a version in a certificate. */
const VERSION = 0xa0;

/** Whether clients must show who they are. */
export type VerifyPeer = "no" | "yes" | "fail-if-none";

/** Oldest version of TLS that is spoken. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** How a listener speaks TLS. */
export interface TlsOptions extends TlsCertificates {
  /** Whether clients are asked for a certificate: not at all; `yes`: whoever shows one must have got it
   * from one of `ca`; `fail-if-none`: and everybody must show one. The last two are RabbitMQ's
   * `verify_peer` without and with `fail_if_no_peer_cert`. Default: `no`. */
  readonly verifyPeer?: VerifyPeer;
  /** Oldest version of TLS that is spoken. Default: `TLSv1.2`; older ones never are. */
  readonly minVersion?: TlsVersion;
}

/** Texts in PEM, and the rest, as `node:tls` takes them. */
export interface SecureContextOptions {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly minVersion: TlsVersion;
}

/** What is loaded once for all connections that follow. */
interface Loaded {
  readonly options: SecureContextOptions;
  readonly secureContext: SecureContext;
  /** Others, for clients who ask for a name that they are for. */
  readonly named: readonly {
    readonly x509: X509Certificate;
    readonly secureContext: SecureContext;
  }[];
  /** Which certificates of clients count no more. */
  readonly revocations: Revocations | undefined;
}

/** What `node:tls` asks when a client names a host. */
export type NameFinder = (
  name: string,
  found: (error: Error | null, context?: SecureContext) => void,
) => void;

/** A server's end of TLS before anybody has come: certificates that can be replaced while connections are
 * open, and who may come in by one. */
export class TlsContext {
  /** What is odd with the certificates in use, for the log. */
  warnings: readonly string[] = [];
  /** From when to when they are valid. */
  validities: readonly CertificateValidity[] = [];
  /** The module that they were loaded for. */
  readonly tls: typeof import("node:tls");
  readonly #options: TlsOptions;
  readonly #clock: Clock;
  #loaded: Loaded;

  /**
   * Loads the certificates.
   *
   * @throws {TypeError} When something is missing or makes no sense.
   * @throws {Error} What the runtime throws when a file cannot be read.
   */
  static async load(options: TlsOptions, clock: Clock): Promise<TlsContext> {
    const { verifyPeer = "no", minVersion = "TLSv1.2", ca, caFile } = options;
    if (!["no", "yes", "fail-if-none"].includes(verifyPeer)) {
      throw new TypeError(`verifyPeer is "${verifyPeer}", not no, yes or fail-if-none`);
    }
    if (!["TLSv1.2", "TLSv1.3"].includes(minVersion)) {
      throw new TypeError(`minVersion is "${minVersion}", not TLSv1.2 or TLSv1.3`);
    }
    // without one, whoever the machine trusts could make clients
    if (verifyPeer !== "no" && ca === undefined && caFile === undefined) {
      throw new TypeError(`verifyPeer "${verifyPeer}" needs ca: who signs certificates of clients`);
    }
    if (verifyPeer === "no" && (options.crl ?? options.crlFile) !== undefined) {
      throw new TypeError('crl needs verifyPeer: nobody is asked for a certificate with "no"');
    }
    const certificates = await loadCertificates(options, clock.now());
    const tls = await import("node:tls");
    const context = new TlsContext(tls, options, clock, loadedOf(tls, options, certificates));
    context.#tell(certificates);
    return context;
  }

  private constructor(
    tls: typeof import("node:tls"),
    options: TlsOptions,
    clock: Clock,
    loaded: Loaded,
  ) {
    this.tls = tls;
    this.#options = options;
    this.#clock = clock;
    this.#loaded = loaded;
  }

  /**
   * Takes other certificates for the connections that come from now on; those that are open stay. When
   * they cannot be used, the ones before stay in use.
   *
   * @param certificates Undefined: the files are read again.
   * @throws {TypeError} When something is missing or is not what it should be.
   * @throws {Error} What the runtime throws when a file cannot be read.
   */
  async reload(certificates?: TlsCertificates): Promise<void> {
    const given = certificates ?? this.#options;
    if (this.asks && given.ca === undefined && given.caFile === undefined) {
      throw new TypeError("ca is missing: who signs certificates of clients");
    }
    const loaded = await loadCertificates(given, this.#clock.now());
    this.#loaded = loadedOf(this.tls, this.#options, loaded);
    this.#tell(loaded);
  }

  #tell({ warnings, validities }: LoadedCertificates): void {
    this.warnings = warnings;
    this.validities = validities;
  }

  /** True when clients are asked for a certificate. */
  get asks(): boolean {
    return (this.#options.verifyPeer ?? "no") !== "no";
  }

  /** True when nobody comes in without one. */
  get insists(): boolean {
    return this.#options.verifyPeer === "fail-if-none";
  }

  /** What the certificate for everybody is made of. */
  get options(): SecureContextOptions {
    return this.#loaded.options;
  }

  /** The certificate for everybody who asks for no name that another one is for. */
  get secureContext(): SecureContext {
    return this.#loaded.secureContext;
  }

  /** Finds the certificate that is for a name; undefined when there is one alone. */
  get nameFinder(): NameFinder | undefined {
    return this.#loaded.named.length === 0 ? undefined : this.findNamed;
  }

  /** The same, also while there is one alone: more may come with other certificates. */
  readonly findNamed: NameFinder = (name, found) => {
    const lower = name.toLowerCase();
    const one = this.#loaded.named.find(({ x509 }) => x509.checkHost(lower) !== undefined);
    found(null, one?.secureContext);
  };

  /**
   * The certificate that a client has shown, in DER; undefined when there is none, or nobody asked.
   *
   * @throws {TlsError} When it cannot be believed.
   */
  certificateOf(socket: TLSSocket): Uint8Array | undefined {
    const certificate = this.asks ? verifiedCertificate(socket) : undefined;
    if (certificate !== undefined) {
      this.#loaded.revocations?.check(certificateChain(socket), this.#clock.now());
    }
    return certificate;
  }
}

/** Why two could not agree, in words for the log. */
export function reasonOf({ code, message }: TlsError): string {
  const problem = certificateProblem(code);
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return "the peer does not speak TLS";
  if (code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") return "the peer has no certificate";
  if (/ALERT/.test(code)) return `${message} (${code})`;
  return problem === undefined ? `${message} (${code})` : `the peer's certificate ${problem}`;
}

function loadedOf(
  tls: typeof import("node:tls"),
  { minVersion = "TLSv1.2", verifyPeer = "no" }: TlsOptions,
  { own, others, ca, revocations }: LoadedCertificates,
): Loaded {
  const trusted = verifyPeer === "no" || ca === undefined ? {} : { ca };
  const optionsFor = ({ cert, key }: LoadedCertificate) => ({ cert, key, minVersion, ...trusted });
  return {
    options: optionsFor(own),
    secureContext: tls.createSecureContext(optionsFor(own)),
    named: others.length === 0 ? [] : [own, ...others].map((one) => ({
      x509: one.x509,
      secureContext: tls.createSecureContext(optionsFor(one)),
    })),
    revocations,
  };
}

/**
 * The certificate of a client, if there is one. The runtime checks it, but lets everybody in.
 *
 * @throws {TlsError} When it cannot be believed.
 */
function verifiedCertificate(socket: TLSSocket): Uint8Array | undefined {
  const { raw, valid_from: from, valid_to: to } = socket.getPeerCertificate() ?? {};
  if (raw === undefined) return undefined;
  const { ssl } = socket as TLSSocket & { readonly ssl?: { verifyError?(): unknown } };
  // a runtime that does not tell is as one that says no
  const verdict = ssl?.verifyError?.() ?? "UNKNOWN_CERT_STATE";
  if (verdict === "") return raw;
  // which it does not tell from an unknown signature
  const now = Date.now();
  if (Date.parse(to) < now) throw new TlsError("CERT_HAS_EXPIRED", `it was valid to ${to}`);
  if (Date.parse(from) > now) throw new TlsError("CERT_NOT_YET_VALID", `it is valid from ${from}`);
  if (isOfVersion1(raw)) throw new TlsError("UNSUPPORTED_CERT_VERSION", "it is of version 1");
  throw new TlsError(String(verdict), "the certificate is not believed");
}

/** True when a certificate does not tell its version, which is the first one then (RFC 5280, 4.1). */
function isOfVersion1(certificate: Uint8Array): boolean {
  try {
    const [signed] = childrenOf(readDer(certificate));
    return signed !== undefined && readDer(certificate, signed.start, signed.end).tag !== VERSION;
  } catch (cause) {
    if (cause instanceof DerError) return false;
    throw cause;
  }
}

import type { X509Certificate } from "node:crypto";
import type { SecureContext, TLSSocket } from "node:tls";
import type { Clock } from "../amqp/clock.ts";
import type { Revocations } from "../amqp/revocations.ts";
import { certificateProblem, TlsError } from "../amqp/tls_error.ts";
import { certificateChain, TlsStream } from "../amqp/tls_stream.ts";
import type { Transport } from "../amqp/transport.ts";
import { RefusedError } from "./refused_error.ts";
import {
  type CertificateValidity,
  loadCertificates,
  type LoadedCertificate,
  type LoadedCertificates,
  type TlsCertificates,
} from "./tls_certificates.ts";

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

/** What is loaded once for all connections that follow. */
interface Context {
  readonly tls: typeof import("node:tls");
  readonly secureContext: SecureContext;
  /** Others, for clients who ask for a name that they are for. */
  readonly named: readonly {
    readonly x509: X509Certificate;
    readonly secureContext: SecureContext;
  }[];
  /** Which certificates of clients count no more. */
  readonly revocations: Revocations | undefined;
}

/** Begins TLS as a server, with certificates that can be replaced while connections are open. */
export class TlsAcceptor {
  /** What is odd with the certificates in use, for the log. */
  warnings: readonly string[] = [];
  /** From when to when they are valid. */
  validities: readonly CertificateValidity[] = [];
  readonly #options: TlsOptions;
  readonly #clock: Clock;
  #context: Context;

  /**
   * Loads the certificates.
   *
   * @throws {TypeError} When something is missing or makes no sense.
   * @throws {Error} What the runtime throws when a file cannot be read.
   */
  static async load(options: TlsOptions, clock: Clock): Promise<TlsAcceptor> {
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
    const loaded = await loadCertificates(options, clock.now());
    const acceptor = new TlsAcceptor(options, clock, await contextOf(options, loaded));
    acceptor.#tell(loaded);
    return acceptor;
  }

  private constructor(options: TlsOptions, clock: Clock, context: Context) {
    this.#options = options;
    this.#clock = clock;
    this.#context = context;
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
    if (this.#asks && given.ca === undefined && given.caFile === undefined) {
      throw new TypeError("ca is missing: who signs certificates of clients");
    }
    const loaded = await loadCertificates(given, this.#clock.now());
    this.#context = await contextOf(this.#options, loaded);
    this.#tell(loaded);
  }

  #tell({ warnings, validities }: LoadedCertificates): void {
    this.warnings = warnings;
    this.validities = validities;
  }

  /**
   * Shakes hands with a client.
   *
   * @param transport The stream as it was accepted, or came out of a proxy.
   * @returns What was encrypted; undefined when it ended before its first byte.
   * @throws {RefusedError} When the two could not agree. The stream is closed then.
   */
  async accept(transport: Transport): Promise<TlsStream | undefined> {
    const { tls, secureContext, named, revocations } = this.#context;
    const requestCert = this.#asks;
    const rejectUnauthorized = this.#options.verifyPeer === "fail-if-none";
    const SNICallback = named.length === 0 ? undefined : nameFinder(named);
    try {
      return await TlsStream.open(transport, {
        open: (below) =>
          new tls.TLSSocket(
            // any Duplex will do, as `tls.connect` has it in its types
            below as unknown as ConstructorParameters<typeof tls.TLSSocket>[0],
            {
              isServer: true,
              secureContext,
              requestCert,
              rejectUnauthorized,
              ...SNICallback === undefined ? {} : { SNICallback },
            },
          ),
        event: "secure",
        verify: (socket) => {
          const certificate = requestCert ? verifiedCertificate(socket) : undefined;
          if (certificate !== undefined) {
            revocations?.check(certificateChain(socket), this.#clock.now());
          }
          return certificate;
        },
        clock: this.#clock,
      });
    } catch (cause) {
      if (!(cause instanceof TlsError)) throw cause;
      throw new RefusedError(`TLS failed: ${reasonOf(cause)}`);
    }
  }

  get #asks(): boolean {
    return (this.#options.verifyPeer ?? "no") !== "no";
  }
}

async function contextOf(
  { minVersion = "TLSv1.2", verifyPeer = "no" }: TlsOptions,
  { own, others, ca, revocations }: LoadedCertificates,
): Promise<Context> {
  const tls = await import("node:tls");
  const trusted = verifyPeer === "no" || ca === undefined ? {} : { ca };
  const contextFor = ({ cert, key }: LoadedCertificate) =>
    tls.createSecureContext({ cert, key, minVersion, ...trusted });
  return {
    tls,
    secureContext: contextFor(own),
    named: others.length === 0 ? [] : [own, ...others].map((one) => ({
      x509: one.x509,
      secureContext: contextFor(one),
    })),
    revocations,
  };
}

/** Finds the certificate that is for a name; the usual one counts where there is none. */
function nameFinder(named: Context["named"]) {
  return (name: string, found: (error: Error | null, context?: SecureContext) => void): void => {
    const lower = name.toLowerCase();
    const one = named.find(({ x509 }) => x509.checkHost(lower) !== undefined);
    found(null, one?.secureContext);
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
  throw new TlsError(String(verdict), "the certificate is not believed");
}

function reasonOf({ code, message }: TlsError): string {
  const problem = certificateProblem(code);
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return "the peer does not speak TLS";
  if (code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") return "the peer has no certificate";
  if (/ALERT/.test(code)) return `${message} (${code})`;
  return problem === undefined ? `${message} (${code})` : `the peer's certificate ${problem}`;
}

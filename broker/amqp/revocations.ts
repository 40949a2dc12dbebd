import type { X509Certificate } from "node:crypto";
import { builtIn } from "./built_in.ts";
import {
  childrenOf,
  DerError,
  type DerValue,
  octetsOf,
  oidOf,
  readDer,
  TAG,
  timeOf,
} from "./der.ts";
import { TlsError } from "./tls_error.ts";

const BLOCK = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/g;
const INTEGER = 0x02;
const BOOLEAN = 0x01;
const EXTENSIONS = 0xa0;
/** No chain of certificates is as long. */
const CHAIN_MAX = 10;
/** Algorithms of signatures by what `node:crypto` calls their digest; null: they have their own. */
const DIGESTS: ReadonlyMap<string, string | null> = new Map([
  ["1.2.840.113549.1.1.11", "sha256"],
  ["1.2.840.113549.1.1.12", "sha384"],
  ["1.2.840.113549.1.1.13", "sha512"],
  ["1.2.840.10045.4.3.2", "sha256"],
  ["1.2.840.10045.4.3.3", "sha384"],
  ["1.2.840.10045.4.3.4", "sha512"],
  ["1.3.101.112", null],
]);

/** What one authority has taken back. */
interface RevocationList {
  /** The authority, for people. */
  readonly issuer: string;
  /** When the next list was to come, in milliseconds since 1970. */
  readonly until: number;
  /** The numbers of the certificates. */
  readonly serials: ReadonlySet<string>;
}

/**
 * Lists of certificates that count no more (RFC 5280, section 5), which the runtime does not look at.
 *
 * There must be one of each authority in a chain but the root: whether a certificate still counts must
 * be known, or it does not. A list that another one should have taken the place of says nothing.
 */
export class Revocations {
  readonly #authorities: readonly X509Certificate[];
  /** By the name of the authority, in DER. */
  readonly #lists = new Map<string, RevocationList>();

  private constructor(authorities: readonly X509Certificate[]) {
    this.#authorities = authorities;
  }

  /**
   * Reads lists.
   *
   * @param pem All of them, in PEM.
   * @param authorities Who is trusted; each list must be of one of them.
   * @param where What the text is called in errors.
   * @throws {TypeError} When there is none, or one of them cannot be believed or understood.
   */
  static read(pem: string, authorities: readonly X509Certificate[], where: string): Revocations {
    const all = new Revocations(authorities);
    const blocks = [...pem.matchAll(BLOCK)];
    if (blocks.length === 0) throw new TypeError(`${where} has no revocation list in PEM`);
    for (const [index, [, base64]] of blocks.entries()) {
      try {
        all.#add(Uint8Array.fromBase64(base64!));
      } catch (cause) {
        const why = cause instanceof DerError || cause instanceof SyntaxError
          ? "is damaged"
          : (cause as Error).message;
        throw new TypeError(`revocation list ${index + 1} of ${where} ${why}`, { cause });
      }
    }
    return all;
  }

  /** What is odd with them, for a log. */
  oddities(now: number): string[] {
    return [...this.#lists.values()].filter(({ until }) => until < now).map(({ issuer, until }) =>
      `the revocation list of '${issuer}' is of no use any more: another one was to come by ` +
      new Date(until).toISOString()
    );
  }

  /**
   * Checks a certificate that is otherwise believed.
   *
   * @param chain The certificate in DER, and those that were sent with it.
   * @throws {TlsError} When it, or one between it and the root, was revoked, or nobody says.
   */
  check(chain: readonly Uint8Array[], now: number): void {
    const { X509Certificate } = builtIn("crypto");
    const sent = chain.map((raw) => new X509Certificate(raw));
    let certificate: X509Certificate | undefined = sent[0];
    for (let length = 0; certificate !== undefined && length < CHAIN_MAX; length++) {
      const { serial, issuer } = factsOf(certificate);
      const list = this.#lists.get(issuer);
      if (list === undefined) {
        throw new TlsError("UNABLE_TO_GET_CRL", "there is no revocation list of its issuer");
      }
      if (list.until < now) {
        throw new TlsError("CRL_HAS_EXPIRED", "the revocation list of its issuer is too old");
      }
      if (list.serials.has(serial)) throw new TlsError("CERT_REVOKED", "it was revoked");
      const signer: X509Certificate | undefined = issuerOf(certificate, this.#authorities) ??
        issuerOf(certificate, sent);
      if (signer !== undefined && isRoot(signer)) return;
      certificate = signer;
    }
    throw new TlsError("UNABLE_TO_GET_ISSUER_CERT", "its chain does not end with a root");
  }

  #add(bytes: Uint8Array): void {
    const list = readDer(bytes);
    const [signed, algorithm, signature] = childrenOf(list);
    if (signed === undefined || algorithm === undefined || signature === undefined) {
      throw new DerError("a part is missing");
    }
    const parts = childrenOf(signed);
    if (parts[0]?.tag === INTEGER) parts.shift();
    const [, issuer, thisUpdate, nextUpdate, ...rest] = parts;
    if (issuer === undefined || thisUpdate === undefined) throw new DerError("a part is missing");
    const name = nameOf(issuer);
    const authority = this.#authorities.find((one) => factsOf(one).subject === name);
    if (authority === undefined) throw new Error("is of nobody who is trusted");
    const digest = DIGESTS.get(oidOf(childrenOf(algorithm)[0]!));
    if (digest === undefined) throw new Error("is signed in a way that is not known here");
    // the first octet of a bit string says how many bits of the last one do not count
    const octets = octetsOf(signature).subarray(1);
    if (
      !builtIn("crypto").verify(
        digest,
        bytes.subarray(list.start, signed.end),
        authority.publicKey,
        octets,
      )
    ) {
      throw new Error("has a signature that does not fit");
    }
    if (nextUpdate === undefined || !isTime(nextUpdate)) {
      throw new Error("does not say when the next one comes");
    }
    const revoked = rest.find(({ tag }) => tag === TAG.sequence);
    const extensions = rest.find(({ tag }) => tag === EXTENSIONS);
    // such as that it is only about some certificates, or only about what has changed
    refuseCritical(extensions === undefined ? undefined : childrenOf(extensions)[0]);
    const serials = new Set<string>();
    for (const entry of revoked === undefined ? [] : childrenOf(revoked)) {
      const [serial, , more] = childrenOf(entry);
      if (serial === undefined) throw new DerError("a part is missing");
      refuseCritical(more);
      serials.add(hexOf(serial));
    }
    const until = Date.parse(timeOf(nextUpdate));
    const known = this.#lists.get(name);
    if (known !== undefined && known.until > until) return;
    this.#lists.set(name, { issuer: authority.subject.replaceAll("\n", ","), until, serials });
  }
}

function issuerOf(
  certificate: X509Certificate,
  candidates: readonly X509Certificate[],
): X509Certificate | undefined {
  return candidates.find((one) =>
    one.ca && certificate.checkIssued(one) && certificate.verify(one.publicKey)
  );
}

function isRoot(certificate: X509Certificate): boolean {
  const { issuer, subject } = factsOf(certificate);
  return issuer === subject;
}

/** Its number, and two names in DER, which can be compared. */
function factsOf({ raw }: X509Certificate): { serial: string; issuer: string; subject: string } {
  const [signed] = childrenOf(readDer(new Uint8Array(raw)));
  const parts = childrenOf(signed!);
  if (parts[0]!.tag !== INTEGER) parts.shift();
  const [serial, , issuer, , subject] = parts;
  return { serial: hexOf(serial!), issuer: nameOf(issuer!), subject: nameOf(subject!) };
}

function nameOf(value: DerValue): string {
  return octetsOf(value).toHex();
}

function hexOf(value: DerValue): string {
  return octetsOf(value).toHex().replace(/^(00)+/, "");
}

function isTime({ tag }: DerValue): boolean {
  return tag === TAG.utcTime || tag === TAG.generalizedTime;
}

/** What is critical must be understood, and nothing of it is. */
function refuseCritical(extensions: DerValue | undefined): void {
  for (const extension of extensions === undefined ? [] : childrenOf(extensions)) {
    const [, critical] = childrenOf(extension);
    if (critical?.tag === BOOLEAN && octetsOf(critical)[0] !== 0) {
      throw new Error("has a critical extension, which is not known here");
    }
  }
}

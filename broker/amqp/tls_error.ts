/** TLS that failed, mostly in its handshake. The message says why. */
export class TlsError extends Error {
  /** Always `"TlsError"`. */
  override readonly name = "TlsError";
  /** Why, for programs: such as `CERT_HAS_EXPIRED`, as `node:tls` has it. */
  readonly code: string;

  /** Makes the error of a code and a text. */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What is wrong with certificates, by the codes of `node:tls`, for sentences that begin with one. */
const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ["CERT_HAS_EXPIRED", "has expired"],
  ["CERT_NOT_YET_VALID", "is not valid yet"],
  ["CERT_REVOKED", "was revoked"],
  ["CRL_HAS_EXPIRED", "may have been revoked: the list of its issuer is too old"],
  ["UNABLE_TO_GET_CRL", "may have been revoked: there is no list of its issuer"],
  ["CERT_SIGNATURE_FAILURE", "has a signature that does not fit"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "is signed by itself alone"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "is for another host"],
  ["INVALID_PURPOSE", "is not made for this end of a connection"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "is signed by nobody who is trusted"],
  ["UNABLE_TO_GET_ISSUER_CERT", "is signed by nobody who is trusted"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "is signed by nobody who is trusted"],
  // not one of Node's: its OpenSSL takes them
  ["UNSUPPORTED_CERT_VERSION", "is of version 1 of X.509, which the runtime believes of nobody"],
  // what this runtime says of almost everything
  [
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "is not valid today, not for this, or signed by nobody who is trusted",
  ],
]);

/** Says what is wrong with a certificate; undefined when the code is not about one. */
export function certificateProblem(code: string): string | undefined {
  const text = PROBLEMS.get(code) ?? (/CERT|ISSUER|CHAIN/.test(code) ? "is refused" : undefined);
  return text === undefined ? undefined : `${text} (${code})`;
}

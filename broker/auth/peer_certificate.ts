import {
  childrenOf,
  type DerValue,
  octetsOf,
  oidOf,
  readDer,
  textOf,
  timeOf,
} from "../amqp/der.ts";

/** Which part of a certificate is the name of a user: RabbitMQ's `ssl_cert_login_from`, its
 * `ssl_cert_login_san_type` and `ssl_cert_login_san_index`. */
export type CertificateLogin =
  | "distinguished_name"
  | "common_name"
  | {
    /** What kind of alternative name. */
    readonly alternativeName: AlternativeNameType;
    /** Which of that kind. Default: 0, the first. */
    readonly index?: number;
  };

/** Kinds of alternative names that can be names of users. */
export type AlternativeNameType = "dns" | "email" | "uri" | "ip";

/** One attribute of a name, such as its CN. */
interface Attribute {
  readonly oid: string;
  readonly text: string;
}
/** Relative names, largest first; each has one attribute, rarely more. */
type Name = readonly (readonly Attribute[])[];

const COMMON_NAME = "2.5.4.3";
const ALTERNATIVE_NAMES = "2.5.29.17";

/** What RabbitMQ calls the attributes of a name; it writes the numbers of others. */
const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.4", "SN"],
  ["2.5.4.5", "SERIALNUMBER"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.12", "TITLE"],
  ["2.5.4.42", "GIVENNAME"],
  ["2.5.4.43", "INITIALS"],
  ["2.5.4.44", "GENERATIONQUALIFIER"],
  ["2.5.4.65", "PSEUDONYM"],
  ["0.9.2342.19200300.100.1.1", "UID"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["1.2.840.113549.1.9.1", "EMAILADDRESS"],
]);

/** Tags of alternative names (RFC 5280, section 4.2.1.6). */
const ALTERNATIVE_NAME_TAGS: Readonly<Record<AlternativeNameType, number>> = {
  email: 0x81,
  dns: 0x82,
  uri: 0x86,
  ip: 0x87,
};

/**
 * The certificate that a client has shown and that was verified, read as RabbitMQ reads it. It is read
 * from its octets: what others print of a certificate is for people, and a name with a line break in it
 * could pass for two.
 */
export class PeerCertificate {
  /** In DER. */
  readonly raw: Uint8Array;
  /** Its number among those of who has signed it, in hexadecimal digits. */
  readonly serialNumber: string;
  /** Whom it is for, as RFC 4514 writes it: `CN=ann,O=Burrow`. */
  readonly subject: string;
  /** Who has signed it. */
  readonly issuer: string;
  /** From when to when it is valid: `2026-01-01T00:00:00Z - 2027-01-01T00:00:00Z`. */
  readonly validity: string;
  readonly #subject: Name;
  readonly #alternativeNames: readonly DerValue[];

  /**
   * Reads a certificate (RFC 5280, section 4.1).
   *
   * @throws {DerError} When it is none.
   */
  constructor(raw: Uint8Array) {
    this.raw = raw;
    const [toBeSigned] = childrenOf(readDer(raw));
    const fields = childrenOf(toBeSigned!);
    // the version may be missing
    const [serialNumber, , issuer, validity, subject] = fields[0]?.tag === 0xa0
      ? fields.slice(1)
      : fields;
    this.serialNumber = hexOf(octetsOf(serialNumber!));
    this.#subject = nameOf(subject!);
    this.subject = formatName(this.#subject);
    this.issuer = formatName(nameOf(issuer!));
    this.validity = childrenOf(validity!).map(timeOf).join(" - ");
    this.#alternativeNames = alternativeNamesOf(fields.find(({ tag }) => tag === 0xa3));
  }

  /** The name of the user that it is for; undefined when it has none of this kind. */
  loginName(from: CertificateLogin): string | undefined {
    if (from === "distinguished_name") return this.subject || undefined;
    if (from === "common_name") {
      const names = this.#subject.flat().filter(({ oid }) => oid === COMMON_NAME);
      return names.map(({ text }) => text).join(",") || undefined;
    }
    const { alternativeName, index = 0 } = from;
    const tag = ALTERNATIVE_NAME_TAGS[alternativeName];
    const name = this.#alternativeNames.filter((one) => one.tag === tag)[index];
    if (name === undefined) return undefined;
    return alternativeName === "ip" ? formatAddress(octetsOf(name)) : textOf(name) || undefined;
  }
}

/** Reads the certificate of a client; undefined when there is none, or one that cannot be read. */
export function readPeerCertificate(raw: Uint8Array | undefined): PeerCertificate | undefined {
  if (raw === undefined) return undefined;
  try {
    return new PeerCertificate(raw);
  } catch {
    return undefined; // it lets nobody in then
  }
}

function nameOf(value: DerValue): Name {
  return childrenOf(value).map((relative) =>
    childrenOf(relative).map((attribute) => {
      const [type, text] = childrenOf(attribute);
      return { oid: oidOf(type!), text: textOf(text!) };
    })
  );
}

/** An integer that is not negative, as RFC 5280 wants those of certificates. */
function hexOf(octets: Uint8Array): string {
  const digits = [...octets].map((octet) => octet.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^0+(?=.)/, "").toUpperCase();
}

function alternativeNamesOf(extensions: DerValue | undefined): readonly DerValue[] {
  if (extensions === undefined) return [];
  for (const extension of childrenOf(childrenOf(extensions)[0]!)) {
    const parts = childrenOf(extension);
    if (oidOf(parts[0]!) !== ALTERNATIVE_NAMES) continue;
    const { bytes, start, end } = parts.at(-1)!;
    return childrenOf(readDer(bytes, start, end));
  }
  return [];
}

/** RFC 4514: smallest first. */
function formatName(name: Name): string {
  return name.map((attributes) => attributes.map(formatAttribute).join("+")).reverse().join(",");
}

function formatAttribute({ oid, text }: Attribute): string {
  return `${ATTRIBUTES.get(oid) ?? oid}=${escapeValue(text)}`;
}

/** Everything that could be taken for the end of a value is escaped, and all that is not ASCII, as
 * RabbitMQ does it: a tilde, too. */
function escapeValue(text: string): string {
  const octets = new TextEncoder().encode(text);
  let escaped = "";
  for (const [at, octet] of octets.entries()) {
    const char = String.fromCharCode(octet);
    const isOuterSpace = char === " " && (at === 0 || at === octets.length - 1);
    if (isOuterSpace || (char === "#" && at === 0) || '"+,;<>\\'.includes(char)) {
      escaped += `\\${char}`;
    } else if (octet < 32 || octet >= 126) {
      escaped += `\\${octet.toString(16).toUpperCase().padStart(2, "0")}`;
    } else escaped += char;
  }
  return escaped;
}

function formatAddress(octets: Uint8Array): string | undefined {
  if (octets.length === 4) return octets.join(".");
  if (octets.length !== 16) return undefined;
  const words = Array.from({ length: 8 }, (_, at) => octets[2 * at]! << 8 | octets[2 * at + 1]!);
  return new URL(`http://[${words.map((word) => word.toString(16)).join(":")}]`).hostname
    .slice(1, -1);
}

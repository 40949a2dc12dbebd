import { builtIn } from "../amqp/built_in.ts";

/**
 * How passwords are kept: salted and hashed, never themselves.
 *
 * @module
 */

/** What new passwords are hashed with. */
export type PasswordHashing = "scrypt" | "rabbitmq-sha256" | "rabbitmq-sha512";

/** A password as it is kept. */
export interface PasswordHash {
  /** `scrypt`, or the name that RabbitMQ has for one of its own. */
  readonly algorithm: string;
  /** Salt and hash, in the form that the algorithm has for them. */
  readonly hash: string;
}

/** RabbitMQ's: base64 of four bytes of salt, and the hash of salt and password. */
const RABBITMQ_DIGESTS: Readonly<Record<string, string>> = {
  rabbit_password_hashing_sha256: "sha256",
  rabbit_password_hashing_sha512: "sha512",
  rabbit_password_hashing_md5: "md5",
};
const RABBITMQ_NAMES = {
  "rabbitmq-sha256": "rabbit_password_hashing_sha256",
  "rabbitmq-sha512": "rabbit_password_hashing_sha512",
} as const;
const RABBITMQ_SALT_SIZE = 4;

/** What scrypt costs: 32 MiB and some tenths of a second, which OWASP's "Password Storage Cheat Sheet"
 * names as enough. */
const SCRYPT = { cost: 2 ** 15, blockSize: 8, parallelization: 3 };
const SCRYPT_SALT_SIZE = 16;
const SCRYPT_KEY_SIZE = 32;
/** A hash that somebody imports may ask for so much, and no more. */
const SCRYPT_MEMORY_MAX = 256 * 1024 * 1024;
const SCRYPT_PARALLELIZATION_MAX = 16;

interface ScryptHash {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Uint8Array;
  readonly key: Uint8Array;
}

/** A password that everybody knows, kept as it is: it is hashed when somebody asks for the hash, so that
 * a broker in memory that lets guest in needs no cryptography. */
export class PublicPassword implements PasswordHash {
  /** How it is hashed when it is. */
  readonly algorithm = RABBITMQ_NAMES["rabbitmq-sha256"];
  readonly #password: string;
  #hash: string | undefined;

  constructor(password: string) {
    this.#password = password;
  }

  /** Salt and hash. */
  get hash(): string {
    return this.#hash ??= hashPasswordSync(this.#password, "rabbitmq-sha256").hash;
  }

  /** True for the password itself. */
  is(password: string): boolean {
    return password === this.#password;
  }
}

/** True for a hash that takes so long that it must not be computed on the event loop. */
export function isSlow({ algorithm }: Pick<PasswordHash, "algorithm">): boolean {
  return algorithm === "scrypt";
}

/** How a password is hashed, as far as it decides how long that takes. */
export interface HashKind {
  /** As of a `PasswordHash`. */
  readonly algorithm: string;
  /** The same for all hashes of the kind. */
  readonly name: string;
  /** What scrypt is asked for, if it is. */
  readonly scrypt?: Pick<ScryptHash, "cost" | "blockSize" | "parallelization"> & {
    readonly keySize: number;
  };
}

/** The kind of a hash; undefined for one that is never computed. */
export function hashKindOf(kept: PasswordHash): HashKind | undefined {
  const { algorithm } = kept;
  if (kept instanceof PublicPassword) return undefined;
  if (!isSlow(kept)) {
    return algorithm in RABBITMQ_DIGESTS ? { algorithm, name: algorithm } : undefined;
  }
  const parsed = readScrypt(kept.hash);
  if (parsed === undefined) return undefined;
  const { cost, blockSize, parallelization, key } = parsed;
  return scryptKind({ cost, blockSize, parallelization, keySize: key.length });
}

/** The kind of new hashes. */
export function newHashKind(hashing: PasswordHashing): HashKind {
  if (hashing === "scrypt") return scryptKind({ ...SCRYPT, keySize: SCRYPT_KEY_SIZE });
  const algorithm = RABBITMQ_NAMES[hashing];
  return { algorithm, name: algorithm };
}

function scryptKind(scrypt: HashKind["scrypt"] & object): HashKind {
  const { cost, blockSize, parallelization, keySize } = scrypt;
  const name = ["scrypt", cost, blockSize, parallelization, keySize].join("$");
  return { algorithm: "scrypt", name, scrypt };
}

/** Hashes a password; what takes long is done by another thread. */
export async function hashPassword(
  password: string,
  hashing: PasswordHashing,
): Promise<PasswordHash> {
  if (hashing !== "scrypt") return rabbitmqHash(password, hashing);
  const salt = builtIn("crypto").randomBytes(SCRYPT_SALT_SIZE);
  const key = await derive(password, { ...SCRYPT, salt }, SCRYPT_KEY_SIZE);
  return { algorithm: "scrypt", hash: writeScrypt({ ...SCRYPT, salt, key }) };
}

/** The same without another thread, which nobody but a broker that starts should wait for. */
export function hashPasswordSync(password: string, hashing: PasswordHashing): PasswordHash {
  if (hashing !== "scrypt") return rabbitmqHash(password, hashing);
  const salt = builtIn("crypto").randomBytes(SCRYPT_SALT_SIZE);
  const key = builtIn("crypto").scryptSync(password, salt, SCRYPT_KEY_SIZE, scryptOptions(SCRYPT));
  return { algorithm: "scrypt", hash: writeScrypt({ ...SCRYPT, salt, key }) };
}

/** Takes as long as to compare a password with a hash of a kind. */
export async function hashForNothing(password: string, kind: HashKind): Promise<void> {
  const { algorithm, scrypt } = kind;
  if (scrypt === undefined) {
    saltedHash(RABBITMQ_DIGESTS[algorithm]!, new Uint8Array(RABBITMQ_SALT_SIZE), password);
  } else {await derive(
      password,
      { ...scrypt, salt: new Uint8Array(SCRYPT_SALT_SIZE) },
      scrypt.keySize,
    );}
}

/** Compares a password with what is kept of it, in a time that does not tell how much of it is right. */
export async function verifyPassword(password: string, kept: PasswordHash): Promise<boolean> {
  if (kept instanceof PublicPassword) return kept.is(password);
  const digest = RABBITMQ_DIGESTS[kept.algorithm];
  if (digest !== undefined) {
    const bytes = fromBase64(kept.hash) ?? new Uint8Array(0);
    const hash = bytes.subarray(RABBITMQ_SALT_SIZE);
    const actual = saltedHash(digest, bytes.subarray(0, RABBITMQ_SALT_SIZE), password);
    return hash.length === actual.length && builtIn("crypto").timingSafeEqual(hash, actual);
  }
  const parsed = readScrypt(kept.hash);
  if (parsed === undefined) return false;
  const actual = await derive(password, parsed, parsed.key.length);
  return builtIn("crypto").timingSafeEqual(actual, parsed.key);
}

/** Tells what is wrong with a hash that somebody brings; undefined when it can be used. */
export function problemOfHash({ algorithm, hash }: PasswordHash): string | undefined {
  if (algorithm === "scrypt") {
    return readScrypt(hash) === undefined ? "password hash is not one of scrypt" : undefined;
  }
  const digest = RABBITMQ_DIGESTS[algorithm];
  if (digest === undefined) return `unknown hashing algorithm '${algorithm}'`;
  const bytes = fromBase64(hash);
  if (bytes === undefined) return "password hash is not base64";
  const size = RABBITMQ_SALT_SIZE + builtIn("crypto").createHash(digest).digest().length;
  return bytes.length === size
    ? undefined
    : `password hash has ${bytes.length} bytes instead of ${size}`;
}

function rabbitmqHash(
  password: string,
  hashing: Exclude<PasswordHashing, "scrypt">,
): PasswordHash {
  const algorithm = RABBITMQ_NAMES[hashing];
  const salt = builtIn("crypto").randomBytes(RABBITMQ_SALT_SIZE);
  const hash = saltedHash(RABBITMQ_DIGESTS[algorithm]!, salt, password);
  return { algorithm, hash: toBase64(new Uint8Array([...salt, ...hash])) };
}

function saltedHash(digest: string, salt: Uint8Array, password: string): Uint8Array {
  return builtIn("crypto").createHash(digest).update(salt).update(password, "utf8").digest();
}

// ---- scrypt

/** RFC 7914. The password is taken in UTF-8. */
function derive(
  password: string,
  options: Omit<ScryptHash, "key">,
  size: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) =>
    builtIn("crypto").scrypt(
      password,
      options.salt,
      size,
      scryptOptions(options),
      (error, key) => error === null ? resolve(key) : reject(error),
    )
  );
}

function scryptOptions(
  { cost, blockSize, parallelization }: Omit<ScryptHash, "salt" | "key">,
): { N: number; r: number; p: number; maxmem: number } {
  return { N: cost, r: blockSize, p: parallelization, maxmem: 2 * SCRYPT_MEMORY_MAX };
}

function writeScrypt({ cost, blockSize, parallelization, salt, key }: ScryptHash): string {
  return [cost, blockSize, parallelization, toBase64(salt), toBase64(key)].join("$");
}

function readScrypt(text: string): ScryptHash | undefined {
  const [cost, blockSize, parallelization] = text.split("$", 3).map(Number);
  const [salt, key] = text.split("$").slice(3).map(fromBase64);
  const sound = isAtLeastOne(cost) && isAtLeastOne(blockSize) && isAtLeastOne(parallelization) &&
    Number.isInteger(Math.log2(cost)) && cost > 1 &&
    128 * cost * blockSize <= SCRYPT_MEMORY_MAX && parallelization <= SCRYPT_PARALLELIZATION_MAX;
  if (!sound || salt === undefined || key === undefined || key.length < 16) return undefined;
  return { cost, blockSize, parallelization, salt, key };
}

function isAtLeastOne(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && value! >= 1;
}

// ---- base64

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

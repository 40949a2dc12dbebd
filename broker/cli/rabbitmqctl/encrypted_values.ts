/**
 * Values of a configuration that are not to be read by everybody, encrypted as RabbitMQ does it: the
 * octets of a term, with a key that PBKDF2 makes of a passphrase and a salt.
 *
 * @see https://www.rabbitmq.com/docs/configure#configuration-encryption
 *
 * @module
 */
import { builtIn } from "../../amqp/built_in.ts";
import { decodeTerm, encodeTerm } from "./erlang_external.ts";
import type { Term } from "./erlang_pretty.ts";

/** Of RabbitMQ's ciphers those that the runtime has: its names for them, the size of key and vector. */
const CIPHERS: Readonly<Record<string, readonly [name: string, key: number, vector: number]>> = {
  aes_256_cbc: ["aes-256-cbc", 32, 16],
  aes_128_cbc: ["aes-128-cbc", 16, 16],
  des_ede3_cbc: ["des-ede3-cbc", 24, 8],
};
const HASHES: Readonly<Record<string, string>> = {
  sha3_512: "sha3-512",
  sha3_384: "sha3-384",
  sha3_256: "sha3-256",
  sha3_224: "sha3-224",
  sha512: "sha512",
  sha384: "sha384",
  sha256: "sha256",
  sha224: "sha224",
  sha: "sha1",
  ripemd160: "ripemd160",
  md5: "md5",
  md4: "md4",
};
const SALT_SIZE = 16;

/** The names of the ciphers. */
export const CIPHER_NAMES: readonly string[] = Object.keys(CIPHERS);
/** And of the hashes. */
export const HASH_NAMES: readonly string[] = Object.keys(HASHES);

/** How a value is encrypted. */
export interface Encryption {
  /** One of the ciphers. */
  readonly cipher: string;
  /** One of the hashes. */
  readonly hash: string;
  /** How often the hash is made. */
  readonly iterations: number;
  /** What it is kept secret with. */
  readonly passphrase: string;
}

/** Encrypts a term. The result is base64: salt, vector, and what became of it. */
export function encryptTerm(term: Term, encryption: Encryption): string {
  const [name, , vectorSize] = CIPHERS[encryption.cipher]!;
  const salt = crypto.getRandomValues(new Uint8Array(SALT_SIZE));
  const vector = crypto.getRandomValues(new Uint8Array(vectorSize));
  const cipher = builtIn("crypto").createCipheriv(name, keyOf(encryption, salt), vector);
  const parts = [salt, vector, cipher.update(encodeTerm(term)), cipher.final()];
  return btoa(parts.map((part) => String.fromCharCode(...part)).join(""));
}

/**
 * Decrypts one.
 *
 * @throws {Error} When the passphrase, or something else, is not the right one.
 */
export function decryptTerm(text: string, encryption: Encryption): Term {
  const [name, , vectorSize] = CIPHERS[encryption.cipher]!;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const salt = bytes.subarray(0, SALT_SIZE);
  const vector = bytes.subarray(SALT_SIZE, SALT_SIZE + vectorSize);
  const cipher = builtIn("crypto").createDecipheriv(name, keyOf(encryption, salt), vector);
  const parts = [cipher.update(bytes.subarray(SALT_SIZE + vectorSize)), cipher.final()];
  return decodeTerm(new Uint8Array(parts.flatMap((part) => [...part])));
}

function keyOf({ cipher, hash, iterations, passphrase }: Encryption, salt: Uint8Array): Uint8Array {
  const [, size] = CIPHERS[cipher]!;
  return builtIn("crypto").pbkdf2Sync(passphrase, salt, iterations, size, HASHES[hash]!);
}

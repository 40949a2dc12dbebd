import { UsageError } from "./arguments.ts";
import type { ConfigLine } from "./config_lines.ts";
import {
  CIPHER_NAMES,
  decryptTerm,
  type Encryption,
  HASH_NAMES,
} from "./rabbitmqctl/encrypted_values.ts";
import { Atom, type Term } from "./rabbitmqctl/erlang_pretty.ts";

/** What a value begins with that is encrypted. */
const PREFIX = "encrypted:";
/** As `rabbitmqctl encrypt_conf_value` does it when nothing is said. */
const USUAL = "aes_128_cbc,sha256,1";

/** Options for values of a configuration file that are encrypted. */
export const CONFIG_SECRET_FLAGS: readonly string[] = [
  "config-passphrase-file",
  "config-encryption",
];

/** Their help. */
export const CONFIG_SECRET_USAGE = `  --config-passphrase-file FILE
                     the first line of this file is what values in it are encrypted with
                     that begin with encrypted:
  --config-encryption CIPHER,HASH,ITERATIONS
                     and how (default: ${USUAL})`;

/**
 * Values of a configuration file that may be encrypted, as `rabbitmqctl encrypt_conf_value` writes them.
 *
 * In RabbitMQ, `config_entry_decoder` in `advanced.config` says how to read them; `rabbitmq.conf` has no key
 * for that, and a file for both of us can have none.
 */
export class ConfigSecrets {
  readonly #encryption: Encryption | undefined;

  /**
   * @param passphraseFile Begins with the passphrase; undefined: nothing can be decrypted.
   * @param how `CIPHER,HASH,ITERATIONS`.
   * @throws {UsageError} When one of both makes no sense.
   */
  constructor(passphraseFile?: string, how?: string) {
    if (passphraseFile === undefined) {
      if (how === undefined) return;
      throw new UsageError("--config-encryption needs --config-passphrase-file");
    }
    this.#encryption = { ...readEncryption(how ?? USUAL), passphrase: readFirst(passphraseFile) };
  }

  /**
   * The value of a line, in clear.
   *
   * @throws {UsageError} When it cannot be decrypted.
   */
  read(line: ConfigLine): string {
    const { key, value } = line;
    if (!value.startsWith(PREFIX)) return value;
    if (this.#encryption === undefined) {
      throw line.fail(`${key} is encrypted: --config-passphrase-file has to say what with`);
    }
    try {
      return textOf(decryptTerm(value.slice(PREFIX.length), this.#encryption));
    } catch (cause) {
      // nothing of what it may be
      if (!(cause instanceof Error)) throw cause;
      throw line.fail(
        `cannot decrypt ${key}: check the value, the passphrase and --config-encryption`,
      );
    }
  }
}

function readEncryption(how: string): Omit<Encryption, "passphrase"> {
  const [cipher = "", hash = "", iterations = "", ...more] = how.split(",");
  const known = CIPHER_NAMES.includes(cipher) && HASH_NAMES.includes(hash);
  if (known && more.length === 0 && /^[1-9]\d{0,8}$/.test(iterations)) {
    return { cipher, hash, iterations: Number(iterations) };
  }
  throw new UsageError(
    "--config-encryption takes a cipher, a hash and a number of iterations with commas between, as " +
      `${USUAL}, not '${how}': rabbitmqctl list_ciphers and list_hashes tell which there are`,
  );
}

function readFirst(file: string): string {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : `${cause}`;
    throw new UsageError(`cannot read --config-passphrase-file: ${why}`);
  }
  const [passphrase = ""] = text.split(/\r?\n/, 1);
  if (passphrase !== "") return passphrase;
  throw new UsageError(`--config-passphrase-file ${file} begins with no passphrase`);
}

/** Who encrypts `secret` means that, though it is an atom; a text is a list of numbers, or a binary. */
function textOf(term: Term): string {
  if (term instanceof Atom) return term.name;
  if (term instanceof Uint8Array) return new TextDecoder().decode(term);
  if (typeof term === "string") return term;
  if (Array.isArray(term) && term.every((item) => typeof item === "number")) {
    return String.fromCodePoint(...term as readonly number[]);
  }
  throw new TypeError("it is no text");
}

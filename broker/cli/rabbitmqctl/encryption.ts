import type { Terminal } from "../terminal.ts";
import { type CtlCall, type CtlCommand, CtlError, CtlUsageError, EXIT } from "./command.ts";
import {
  CIPHER_NAMES,
  decryptTerm,
  type Encryption,
  encryptTerm,
  HASH_NAMES,
} from "./encrypted_values.ts";
import { Atom, prettyTerm, type Term, Tuple } from "./erlang_pretty.ts";
import { parseTerm } from "./erlang_source.ts";

const USAGE = "value passphrase [--cipher <cipher>] [--hash <hash>] [--iterations <iterations>]";
const OPTIONS = { cipher: "value", hash: "value", iterations: "value" } as const;
/** What a value in `rabbitmq.conf` begins with that is encrypted. */
const PREFIX = "encrypted:";

const NOT_ENCODED = "Error during cipher operation";
const NOT_DECODED =
  "Failed to decrypt the value. Things to check: is the passphrase correct? Are " +
  "the cipher and hash algorithms the same as those used for encryption?";

/** Values of RabbitMQ's configuration that are encrypted: no broker is needed for that. */
export const ENCRYPTION_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  encode: encoding((text) => prettyTerm(encrypted(text))),
  decode: decoding("Decrypting value..."),
  encrypt_conf_value: encoding((text) => `${PREFIX}${text}`),
  decrypt_conf_value: decoding("Decrypting a rabbitmq.conf string value..."),
  list_ciphers: {
    summary: "Lists cipher suites supported by encoding commands",
    usage: "",
    banner: () => "Listing supported ciphers ...",
    run: () => pretty(CIPHER_NAMES.map((name) => new Atom(name))),
  },
  list_hashes: {
    summary: "Lists hash functions supported by encoding commands",
    usage: "",
    banner: () => "Listing supported hash algorithms ...",
    run: () => pretty(HASH_NAMES.map((name) => new Atom(name))),
  },
};

/** A command that encrypts a value, and how it writes what comes out. */
function encoding(write: (text: string) => string): CtlCommand {
  return {
    summary: "Encrypts a sensitive configuration value",
    usage: USAGE,
    args: [0, 2],
    options: OPTIONS,
    banner: () => "Encrypting value ...",
    check: ({ options }) => void readHow(options, "encode"),
    async run(call) {
      const { value, encryption } = await read(call, "encode");
      return { text: write(encode(value, encryption)) };
    },
  };
}

function decoding(banner: string): CtlCommand {
  return {
    summary: "Decrypts an encrypted configuration value",
    usage: USAGE,
    args: [1, 2],
    options: OPTIONS,
    banner: () => banner,
    check: ({ options }) => void readHow(options, "decode"),
    async run(call) {
      const { value, encryption } = await read(call, "decode");
      return pretty(decode(value, encryption));
    },
  };
}

function pretty(term: Term): { readonly text: string } {
  return { text: prettyTerm(term) };
}

function encrypted(text: string): Term {
  return new Tuple(new Atom("encrypted"), text);
}

function encode(value: string, encryption: Encryption): string {
  let term: Term;
  try {
    term = parseTerm(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CtlError(EXIT.unavailable, NOT_ENCODED);
  }
  return encryptTerm(term, encryption);
}

function decode(value: string, encryption: Encryption): Term {
  try {
    return decryptTerm(base64Of(value), encryption);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CtlError(EXIT.unavailable, NOT_DECODED);
  }
}

/** What is encrypted, of what may be written around it. */
function base64Of(value: string): string {
  // as it stands in rabbitmq.conf, where it is no term
  if (value.startsWith(PREFIX)) return value.slice(PREFIX.length);
  const term = parseTerm(value);
  const [tag, tagged] = term instanceof Tuple ? term.items : [];
  const inner = tag instanceof Atom && tag.name === "encrypted" ? tagged : term;
  if (inner instanceof Uint8Array) return textOf(inner);
  if (Array.isArray(inner)) return textOf(inner as readonly number[]);
  throw new TypeError("there is nothing encrypted");
}

function textOf(letters: Iterable<number>): string {
  return String.fromCharCode(...letters).replace(PREFIX, "");
}

// ---- what is said on the command line, and what is asked for

interface Asked {
  readonly value: string;
  readonly encryption: Encryption;
}

async function read(
  { args, options, terminal }: CtlCall,
  what: "encode" | "decode",
): Promise<Asked> {
  const how = readHow(options, what);
  const missing = [
    ...args.length < 1 ? ["Value to encode: "] : [],
    ...args.length < 2 ? ["Passphrase: "] : [],
  ];
  const asked = missing.length === 0 ? [] : await ask(terminal, missing);
  const [value = "", passphrase = ""] = [...args, ...asked];
  return { value, encryption: { ...how, passphrase } };
}

/** Asks for some lines of standard input. */
async function ask(terminal: Terminal, questions: readonly string[]): Promise<string[]> {
  let text = "";
  for await (const part of terminal.input().pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.split("\n").length > questions.length) break;
  }
  const lines = text.split(/\r?\n/).slice(0, questions.length);
  if (lines.length === questions.length && lines.every((line) => line !== "")) return lines;
  throw new CtlError(EXIT.unavailable, "not_enough_args");
}

function readHow(
  options: CtlCall["options"],
  what: "encode" | "decode",
): Omit<Encryption, "passphrase"> {
  // RabbitMQ's own, so that each reads what the other wrote; a better passphrase than a word is needed
  const { cipher = "aes_128_cbc", hash = "sha256", iterations = "1" } = options;
  const end = what === "encode" ? "." : "";
  if (!CIPHER_NAMES.includes(`${cipher}`)) {
    throw bad(`The requested cipher is not supported${end}`);
  }
  if (!HASH_NAMES.includes(`${hash}`)) throw bad("The requested hash is not supported");
  if (!/^\d+$/.test(`${iterations}`) || Number(iterations) < 1) {
    const more = what === "encode" ? "" : " (must be a positive integer)";
    throw bad(`The requested number of iterations is incorrect${more}`);
  }
  return { cipher: `${cipher}`, hash: `${hash}`, iterations: Number(iterations) };
}

function bad(text: string): CtlUsageError {
  return new CtlUsageError(`Bad argument: ${text}`, EXIT.dataError);
}

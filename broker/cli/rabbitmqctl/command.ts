import type { JsonValue } from "../../policy/json.ts";
import type { ManagementClient } from "../management_client.ts";
import type { Terminal } from "../terminal.ts";
import type { Term } from "./erlang_pretty.ts";

/**
 * What rabbitmqctl ends with, as `sysexits.h` numbers it.
 *
 * @see https://www.rabbitmq.com/docs/cli
 */
export const EXIT = {
  ok: 0,
  usage: 64,
  dataError: 65,
  noUser: 67,
  unavailable: 69,
  software: 70,
  temporary: 75,
} as const;

/** Options as they were given; what takes a value has one. */
export type CtlOptions = Readonly<Record<string, string | true>>;

/** One call of a command. */
export interface CtlCall {
  /** Its arguments without options. */
  readonly args: readonly string[];
  /** Its options by their long names. */
  readonly options: CtlOptions;
  /** The vhost that is meant. */
  readonly vhost: string;
  /** The broker. */
  readonly client: ManagementClient;
  /** How long it may take in all, in milliseconds; the client gives up by itself. */
  readonly timeoutMs: number;
  /** Standard input, for what is not said on the command line. */
  readonly terminal: Terminal;
  /** The node that was named, or the broker's own name. */
  readonly node: () => Promise<string>;
}

/** A line of a list: each column with its value. */
export type CtlRow = Readonly<Record<string, CtlValue>>;

/** What stands in a column. */
export type CtlValue = JsonValue | CtlTable | CtlAtom | CtlAtoms | Address;

/** Arguments of a queue or the like: typed in JSON, an Erlang term in a table. */
export class CtlTable {
  readonly entries: Readonly<Record<string, JsonValue>>;
  constructor(entries: Readonly<Record<string, JsonValue>>) {
    this.entries = entries;
  }
}

/** A word that Erlang has as an atom, such as a state. */
export class CtlAtom {
  readonly word: string;
  constructor(word: string) {
    this.word = word;
  }
}

/** A list of words, such as the tags of a user. */
export class CtlAtoms {
  readonly words: readonly string[];
  constructor(words: readonly string[]) {
    this.words = words;
  }
}

/** An IP address, which is numbers in JSON. */
export class Address {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What a command comes to. */
export type CtlResult =
  /** It is done, and that is all. */
  | undefined
  /** Text to be printed as it is, a value for a formatter, and a term where that is not the same. */
  | { readonly text: string; readonly value?: JsonValue; readonly term?: Term }
  /** Lines without a name; none is nothing. */
  | { readonly lines: readonly string[] }
  /** A list. */
  | {
    readonly columns: readonly string[];
    readonly rows: readonly CtlRow[];
    /** RabbitMQ collects some lists before it prints them: an empty one is an empty line then. */
    readonly collected?: boolean;
    /** And one or two have no line that names the columns. */
    readonly headless?: boolean;
  };

/** A command of rabbitmqctl. */
export interface CtlCommand {
  /** What follows its name and the options that all have, as help says it. */
  readonly usage: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** How many arguments it takes at least and at most. Default: none. */
  readonly args?: readonly [least: number, most: number];
  /** Its own options: those that take a value, and those that do not. */
  readonly options?: Readonly<Record<string, "value" | "flag">>;
  /** The columns that it knows; the arguments choose some of them. */
  readonly columns?: readonly string[];
  /** The line before all else; undefined for none. */
  banner?(call: CtlCall): string | undefined | Promise<string>;
  /**
   * What is looked at before anything is said or done.
   *
   * @throws {CtlError} When an argument makes no sense.
   */
  check?(call: CtlCall): void;
  /** @throws {CtlError} When it cannot be done. */
  run(call: CtlCall): CtlResult | Promise<CtlResult>;
}

/** Why a command did not do what was asked. */
export class CtlError extends Error {
  override readonly name = "CtlError";
  /** The exit status. */
  readonly code: number;
  /** True when the text stands alone, without `Error:`. */
  readonly plain: boolean;
  /** What is written instead for `--formatter json`; undefined: the text, and of which node. */
  readonly value: JsonValue | undefined;

  /** @param text Nothing, for an error that the status alone tells. */
  constructor(
    code: number,
    text: string,
    options: { readonly plain?: boolean; readonly value?: JsonValue } = {},
  ) {
    super(text);
    this.code = code;
    this.plain = options.plain ?? false;
    this.value = options.value;
  }
}

/** Arguments that make no sense, or none now. */
export class CtlUsageError extends Error {
  override readonly name: string = "CtlUsageError";
  /** The exit status. */
  readonly code: number;
  /** What is written before the text. */
  readonly what: string = "Error (argument validation)";

  constructor(text: string, code: number = EXIT.usage) {
    super(text);
    this.code = code;
  }
}

/** A command that needs the broker stopped, or not stopped. */
export class CtlStateError extends CtlUsageError {
  override readonly name = "CtlStateError";
  override readonly what = "Error";

  /** @param needed What it has to be. */
  constructor(needed: "running" | "stopped") {
    const how = needed === "running" ? "Start it with 'rabbitmqctl start_app'" : STOP;
    super(`this command requires the 'rabbit' app to be ${needed} on the target node. ${how}.`);
  }
}

const STOP = "Stop it with 'rabbitmqctl stop_app'";

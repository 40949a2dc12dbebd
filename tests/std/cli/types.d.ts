/** The options of `parseArgs` that Warren uses. */
export interface ParseOptions {
  readonly boolean?: readonly string[];
  readonly string?: readonly string[];
  readonly collect?: readonly string[];
  readonly negatable?: readonly string[];
  readonly default?: Readonly<Record<string, unknown>>;
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  readonly stopEarly?: boolean;
  readonly "--"?: boolean;
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}
/** What was parsed: an entry for each flag, and `_` for the rest. */
export interface Args {
  // deno-lint-ignore no-explicit-any
  [flag: string]: any;
  _: (string | number)[];
}
export declare function parseArgs(args: readonly string[], options?: ParseOptions): Args;

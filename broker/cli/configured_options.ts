import { UsageError } from "./arguments.ts";
import { type ConfigFile, readConfigFile } from "./config_file.ts";
import { CONFIG_SECRET_FLAGS, ConfigSecrets } from "./config_secrets.ts";
import type { TlsOptions } from "../net/tls_context.ts";
import { type Side, sideTlsFlags } from "./tls_options.ts";
import { readServeOptions, type ServeOptions } from "./serve_options.ts";

/** Options that take no value. */
const FLAGS: readonly string[] = ["no-tcp"];

/** An option on the command line that makes one of the file meaningless. */
const TAKES_AWAY: Readonly<Record<string, readonly string[]>> = {
  "management-port": ["no-management"],
  "prometheus-port": ["no-prometheus"],
  ...takenAwayWith("management"),
  ...takenAwayWith("prometheus"),
  "disk-free-limit": ["memory"],
};

/**
 * The options of `serve`, with those of the file that `--config` names. What is said on the command line
 * counts more.
 *
 * @throws {UsageError} When one of both makes no sense, or the file cannot be read.
 */
export function readConfiguredOptions(args: readonly string[]): ServeOptions {
  const path = valueOf(args, "config");
  if (path === undefined || isGiven(args, "help")) {
    const options = readServeOptions(args);
    const flag = CONFIG_SECRET_FLAGS.find((one) => isGiven(args, one));
    if (flag === undefined || options.help) return options;
    throw new UsageError(`--${flag} goes with --config`);
  }
  const [passphraseFile, how] = CONFIG_SECRET_FLAGS.map((flag) => valueOf(args, flag));
  const file = read(path, new ConfigSecrets(passphraseFile, how));
  const lines = new Map<string, number>();
  const more: string[] = [];
  for (const [option, value, line] of file.options) {
    const said = [option, ...TAKES_AWAY[option] ?? []].some((name) => isGiven(args, name));
    if (said) continue;
    more.push(FLAGS.includes(option) ? `--${option}` : `--${option}=${value}`);
    lines.set(option, line);
  }
  let options: ServeOptions;
  try {
    options = readServeOptions([...more, ...args]);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    const line = lines.get(/^--([a-z-]+)/.exec(cause.message)?.[1] ?? "");
    if (line === undefined) throw cause;
    throw new UsageError(`${path}${line === 0 ? "" : `:${line}`}: ${cause.message}`);
  }
  return {
    ...options,
    tls: withPassphrase(options.tls, file.tlsKeyPassphrases.get("tls")),
    managementTls: withPassphrase(
      options.managementTls,
      file.tlsKeyPassphrases.get("management-tls"),
    ),
    prometheusTls: withPassphrase(
      options.prometheusTls,
      file.tlsKeyPassphrases.get("prometheus-tls"),
    ),
    defaultUser: file.defaultUser,
    ignored: file.ignored.map(([key, line]) => `${path}:${line}: ${key} means nothing here`),
    ...file.loopbackUsers === undefined
      ? {}
      : { broker: { ...options.broker, loopbackUsers: file.loopbackUsers } },
  };
}

function takenAwayWith(side: Side): Record<string, readonly string[]> {
  return Object.fromEntries(sideTlsFlags(side).map((flag) => [flag, [`no-${side}`]]));
}

/** What is said on the command line counts more. */
function withPassphrase<Tls extends { readonly options: TlsOptions }>(
  tls: Tls | undefined,
  passphrase: string | undefined,
): Tls | undefined {
  if (tls === undefined || passphrase === undefined) return tls;
  const { options } = tls;
  return options.passphraseFile === undefined
    ? { ...tls, options: { ...options, passphrase } }
    : tls;
}

function read(path: string, secrets: ConfigSecrets): ConfigFile {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : `${cause}`;
    throw new UsageError(`cannot read --config: ${why}`);
  }
  return readConfigFile(text, path, secrets);
}

function isGiven(args: readonly string[], option: string): boolean {
  return args.some((one) => one === `--${option}` || one.startsWith(`--${option}=`));
}

/** The first value; that there are two is told later. */
function valueOf(args: readonly string[], option: string): string | undefined {
  const at = args.findIndex((one) => one === `--${option}` || one.startsWith(`--${option}=`));
  if (at < 0) return undefined;
  const [, value] = /^--[a-z-]+=(.*)$/s.exec(args[at]!) ?? [];
  return value ?? args[at + 1] ?? "";
}

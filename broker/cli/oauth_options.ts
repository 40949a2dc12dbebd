import type { OAuth2Options } from "../oauth/mod.ts";
import { type Arguments, UsageError } from "./arguments.ts";

/** How tokens are judged, as the arguments of `serve` say it. */
export interface OAuthArguments {
  /** The names that this broker has for those who give out tokens. */
  readonly resourceServerIds: readonly string[];
  /** Who gives them out, and tells where the keys are. */
  readonly issuer: string | undefined;
  /** Where a key set is had from. */
  readonly jwksUrl: string | undefined;
  /** A file with a key set. */
  readonly jwksFile: string | undefined;
  /** Files with keys, by the ids of the keys. */
  readonly keyFiles: readonly (readonly [id: string, file: string])[];
  /** The id of the key of tokens that name none. */
  readonly defaultKeyId: string | undefined;
  /** Algorithms of signatures; none: those that fit the key. */
  readonly algorithms: readonly string[];
  /** What scopes begin with. */
  readonly scopePrefix: string | undefined;
  /** A file with scopes that stand for others. */
  readonly aliasesFile: string | undefined;
  /** Claims that name the user. */
  readonly usernameClaims: readonly string[];
  /** Claims with scopes besides `scope`. */
  readonly scopeClaims: readonly string[];
  /** Take tokens for others as well. */
  readonly anyAudience: boolean;
  /** Nobody comes in by a password. */
  readonly alone: boolean;
}

/** Flags without a value. */
export const OAUTH_FLAGS: readonly string[] = ["oauth-any-audience", "oauth-only"];
/** Flags with one. */
export const OAUTH_OPTIONS: readonly string[] = [
  "oauth-resource-server-id",
  "oauth-issuer",
  "oauth-jwks-url",
  "oauth-jwks",
  "oauth-key",
  "oauth-default-key",
  "oauth-algorithm",
  "oauth-scope-prefix",
  "oauth-scope-aliases",
  "oauth-username-claim",
  "oauth-scope-claim",
];

/** How they are used. */
export const OAUTH_USAGE = `  --oauth-resource-server-id ID
                     let in who shows a token (JWT) for ID in place of a password; its
                     scopes are RabbitMQ's, such as ID.read:vhost/queue. May be given
                     more than once: a token must be for one of them
  --oauth-issuer URL who gives out the tokens, and says where their keys are (OpenID
                     Connect Discovery)
  --oauth-jwks-url URL
                     the keys of tokens are there (a JSON Web Key Set)
  --oauth-jwks FILE  or in this file, which may have shared secrets, too
  --oauth-key [KID=]FILE
                     or this is one, public key or certificate (PEM); may be given more
                     than once
  --oauth-default-key KID
                     the key of tokens that name none (default: the only one)
  --oauth-algorithm NAME
                     such as RS256; may be given more than once (default: what fits)
  --oauth-scope-prefix TEXT
                     what scopes begin with (default: ID and a dot)
  --oauth-scope-aliases FILE
                     scopes that stand for others: {"role": ["ID.read:*/*"]}
  --oauth-username-claim NAME
                     the user is named by this claim; may be given more than once
                     (default: sub, client_id)
  --oauth-scope-claim PATH
                     there are scopes in this claim, too; may be given more than once
  --oauth-any-audience
                     take tokens for others as well
  --oauth-only       nobody comes in by a password`;

/**
 * Reads them; undefined when there is none.
 *
 * @throws {UsageError} When something is missing.
 */
export function readOAuthArguments(given: Arguments): OAuthArguments | undefined {
  const resourceServerIds = given.values("oauth-resource-server-id");
  if (resourceServerIds.length === 0) {
    for (const option of [...OAUTH_OPTIONS, ...OAUTH_FLAGS]) {
      const there = OAUTH_FLAGS.includes(option)
        ? given.has(option)
        : given.values(option).length > 0;
      if (there) throw new UsageError(`--${option} needs --oauth-resource-server-id`);
    }
    return undefined;
  }
  if (resourceServerIds.includes("")) {
    throw new UsageError("--oauth-resource-server-id takes a name");
  }
  const jwksUrl = readAddress(given, "oauth-jwks-url");
  const issuer = readAddress(given, "oauth-issuer");
  const jwksFile = given.value("oauth-jwks");
  const keyFiles = given.values("oauth-key").map(readKeyFile);
  if ((issuer ?? jwksUrl ?? jwksFile) === undefined && keyFiles.length === 0) {
    throw new UsageError(
      "tokens need keys: pass --oauth-issuer, --oauth-jwks-url, --oauth-jwks or --oauth-key",
    );
  }
  return {
    resourceServerIds,
    issuer,
    jwksUrl,
    jwksFile,
    keyFiles,
    defaultKeyId: given.value("oauth-default-key"),
    algorithms: given.values("oauth-algorithm"),
    scopePrefix: given.value("oauth-scope-prefix"),
    aliasesFile: given.value("oauth-scope-aliases"),
    usernameClaims: given.values("oauth-username-claim"),
    scopeClaims: given.values("oauth-scope-claim"),
    anyAudience: given.has("oauth-any-audience"),
    alone: given.has("oauth-only"),
  };
}

function readAddress(given: Arguments, option: string): string | undefined {
  const text = given.value(option);
  if (text === undefined || /^https?:\/\//.test(text)) return text;
  throw new UsageError(`--${option} takes an address of https, not '${text}'`);
}

function readKeyFile(text: string): readonly [id: string, file: string] {
  const [, id = "default", file] = /^(?:([^=/]+)=)?(.+)$/.exec(text) ?? [];
  if (file === undefined) throw new UsageError("--oauth-key takes a file");
  return [id, file];
}

/**
 * Reads the files that they name.
 *
 * @throws {UsageError} When one cannot be read, or is not what it should be.
 */
export async function readOAuthOptions(oauth: OAuthArguments): Promise<OAuth2Options> {
  const { aliasesFile, issuer, jwksFile, jwksUrl, keyFiles, scopeClaims, usernameClaims } = oauth;
  const { algorithms, defaultKeyId, scopePrefix } = oauth;
  const pem: Record<string, string> = {};
  for (const [id, file] of keyFiles) {
    const text = await readText("oauth-key", file);
    if (!/-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/.test(text)) {
      throw new UsageError(`--oauth-key ${file} is neither a public key nor a certificate (PEM)`);
    }
    pem[id] = text;
  }
  const jwks = jwksFile === undefined ? undefined : await readJson("oauth-jwks", jwksFile);
  if (jwks !== undefined && !Array.isArray(jwks["keys"])) {
    throw new UsageError(`--oauth-jwks ${jwksFile} is no JSON Web Key Set`);
  }
  return {
    resourceServerId: oauth.resourceServerIds,
    keys: {
      pem,
      ...jwks === undefined ? {} : { jwks: { keys: jwks["keys"] as object[] } },
      ...jwksUrl === undefined ? {} : { jwksUrl },
      ...issuer === undefined ? {} : { issuer },
    },
    ...defaultKeyId === undefined ? {} : { defaultKeyId },
    ...algorithms.length === 0 ? {} : { algorithms },
    ...scopePrefix === undefined ? {} : { scopePrefix },
    verifyAudience: !oauth.anyAudience,
    extraScopeClaims: scopeClaims,
    ...usernameClaims.length === 0 ? {} : { usernameClaims },
    ...aliasesFile === undefined ? {} : { scopeAliases: await readAliases(aliasesFile) },
  };
}

async function readAliases(file: string): Promise<Record<string, string | readonly string[]>> {
  const aliases = await readJson("oauth-scope-aliases", file);
  for (const [alias, scopes] of Object.entries(aliases)) {
    const all = Array.isArray(scopes) ? scopes : [scopes];
    if (all.every((scope) => typeof scope === "string")) continue;
    throw new UsageError(`--oauth-scope-aliases ${file}: '${alias}' stands for no scopes`);
  }
  return aliases as Record<string, string | readonly string[]>;
}

async function readText(option: string, file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`cannot read --${option}: ${why}`);
  }
}

async function readJson(option: string, file: string): Promise<Record<string, unknown>> {
  const text = await readText(option, file);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new UsageError(`--${option} ${file} is no JSON object`);
}

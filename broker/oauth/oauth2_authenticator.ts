import { jwtVerify } from "jose";
import { type Clock, systemClock } from "../amqp/clock.ts";
import { type PasswordCredentials, readAmqplainResponse, readPlainResponse } from "../amqp/sasl.ts";
import {
  type Authenticator,
  isUserName,
  type LoginAttempt,
  type Refusal,
  type User,
} from "../auth/authenticator.ts";
import { type Claims, isFor, scopesOf, type ScopeSources, usernameOf } from "./claims.ts";
import { keyFinder, type OAuth2Keys } from "./keys.ts";
import { accessTo, tagsOf } from "./scopes.ts";

/** What tokens are judged by; the defaults are RabbitMQ's. */
export interface OAuth2Options {
  /** The name that this broker has for those who give out tokens: it must be in the claim `aud`, and
   * scopes begin with it. Several when it has several names: a token must be for exactly one of them,
   * which counts then. RabbitMQ's `auth_oauth2.resource_server_id` and `resource_servers`; what is to
   * differ between them takes an authenticator of its own. */
  readonly resourceServerId: string | readonly string[];
  /** The keys that tokens are signed with. */
  readonly keys: OAuth2Keys;
  /** The key of a token that does not say which. Default: the only one that there is. */
  readonly defaultKeyId?: string;
  /** Algorithms of signatures, such as `RS256`. Default: those that fit the key. */
  readonly algorithms?: readonly string[];
  /** False to take tokens for others as well, and those that do not say for whom. Default: true. */
  readonly verifyAudience?: boolean;
  /** False to take tokens that never expire. Default: true. */
  readonly requireExpiry?: boolean;
  /** What its scopes begin with. Default: the resource server's id and a dot. */
  readonly scopePrefix?: string;
  /** Scopes, prefix included, that stand for others: roles, say. Default: none. */
  readonly scopeAliases?: Readonly<Record<string, string | readonly string[]>>;
  /** Claims that have scopes besides `scope`: their names, or paths with dots between. RabbitMQ's
   * `additional_scopes_key`. Default: none. */
  readonly extraScopeClaims?: readonly string[];
  /** Claims that name the user; the first that is there counts. Default: `sub`, `client_id`. */
  readonly usernameClaims?: readonly string[];
  /** How rich authorization requests (`authorization_details`) name brokers such as this. Default: they
   * are not looked at. */
  readonly resourceServerType?: string;
  /** Time. Default: the machine's. */
  readonly clock?: Clock;
}

const MECHANISMS: ReadonlyMap<
  string,
  (response: Uint8Array) => PasswordCredentials | undefined
> = new Map([["AMQPLAIN", readAmqplainResponse], ["PLAIN", readPlainResponse]]);

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Lets in whoever shows a JSON Web Token in place of a password, whatever name he gives. The token's
 * scopes say what he may do, in the form that RabbitMQ's `rabbitmq_auth_backend_oauth2` has them:
 *
 * ```text
 * rabbitmq.read:vhost/name               rabbitmq.write:%2F/orders.*
 * rabbitmq.write:vhost/exchange/key      topic exchanges need a pattern for routing keys, too
 * rabbitmq.tag:administrator
 * ```
 *
 * When a token expires, its connection is closed with 320, unless the client has sent a new one of the
 * same user by `connection.update-secret` before.
 *
 * @example A broker whose users are somebody else's, beside its own
 * ```ts ignore
 * import { Broker } from "@warren/amqp";
 * import { OAuth2Authenticator } from "@warren/amqp/oauth";
 *
 * const tokens = new OAuth2Authenticator({
 *   resourceServerId: "rabbitmq",
 *   keys: { jwksUrl: "https://id.example/keys" },
 * });
 * await using broker = new Broker({ authenticator: [tokens, "users"] });
 * ```
 */
export class OAuth2Authenticator implements Authenticator {
  /** PLAIN and AMQPLAIN: the token is where a password would be. */
  readonly mechanisms: readonly string[] = [...MECHANISMS.keys()];
  readonly #options: OAuth2Options;
  /** By the names of the resource servers. */
  readonly #sources: ReadonlyMap<string, ScopeSources>;
  readonly #keyOf: ReturnType<typeof keyFinder>;
  readonly #clock: Clock;

  /**
   * Makes one. Keys that have to be fetched are fetched when the first token comes.
   *
   * @param options What tokens are judged by.
   * @throws {TypeError} When there are no keys, or one of them is none.
   */
  constructor(options: OAuth2Options) {
    const { resourceServerId } = options;
    const ids = typeof resourceServerId === "string" ? [resourceServerId] : resourceServerId;
    if (ids.length === 0 || ids.includes("")) {
      throw new TypeError("Cannot judge tokens: resourceServerId is empty");
    }
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#keyOf = keyFinder(options.keys, options.defaultKeyId, this.#clock);
    this.#sources = new Map(ids.map((id) => [id, {
      resourceServerId: id,
      scopePrefix: options.scopePrefix ?? `${id}.`,
      scopeAliases: options.scopeAliases ?? {},
      extraScopeClaims: options.extraScopeClaims ?? [],
      resourceServerType: options.resourceServerType,
    }]));
  }

  async authenticate({ mechanism, response }: LoginAttempt): Promise<User | Refusal> {
    const login = MECHANISMS.get(mechanism)?.(response);
    if (login === undefined) return { refused: "the response is malformed" };
    const { username, password } = login;
    const user = await this.#userOf(password);
    // some clients show the token as the name, too
    const named = username !== "" && isUserName(username);
    return "refused" in user && named ? { ...user, name: username } : user;
  }

  /** Signatures are not guessed: a token is looked at at once, whoever guesses passwords beside it. */
  mayBeGuessed({ mechanism, response }: LoginAttempt): boolean {
    return !/^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(
      MECHANISMS.get(mechanism)?.(response)?.password ?? "",
    );
  }

  async renew(user: User, secret: Uint8Array): Promise<User | Refusal> {
    let token: string;
    try {
      token = decoder.decode(secret);
    } catch {
      return { refused: "the token is no text" };
    }
    const renewed = await this.#userOf(token);
    if ("refused" in renewed || renewed.name === user.name) return renewed;
    return { refused: "Not allowed to change username on refreshed token" };
  }

  async #userOf(token: string): Promise<User | Refusal> {
    const { algorithms, requireExpiry = true, usernameClaims = ["sub", "client_id"] } =
      this.#options;
    try {
      const { payload } = await jwtVerify(token, this.#keyOf, {
        ...algorithms === undefined ? {} : { algorithms: [...algorithms] },
        currentDate: new Date(this.#clock.now()),
        requiredClaims: requireExpiry ? ["exp"] : [],
      });
      const claims: Claims = payload;
      const sources = this.#sourcesFor(claims);
      if ("refused" in sources) return sources;
      const scopes = scopesOf(claims, sources);
      const { exp } = payload;
      return {
        name: usernameOf(claims, usernameClaims),
        tags: tagsOf(scopes),
        access: (vhost) => accessTo(scopes, claims, vhost),
        ...exp === undefined ? {} : { expiresAt: Math.trunc(exp) * 1000 },
      };
    } catch (cause) {
      // whatever is wrong with it, it is wrong with the token; and a password is none
      return { refused: `the token is refused: ${(cause as Error).message}` };
    }
  }

  /** Which of the resource servers a token is for. */
  #sourcesFor(claims: Claims): ScopeSources | Refusal {
    const all = [...this.#sources.values()];
    const meant = all.filter(({ resourceServerId }) => isFor(claims, resourceServerId));
    const [one, another] = meant;
    if (another !== undefined) {
      return { refused: `the token is for ${quoted(meant)}, of which it may be for one` };
    }
    if (one !== undefined) return one;
    if (this.#options.verifyAudience === false) return all[0]!;
    return { refused: `the token is not for ${quoted(all)}` };
  }
}

function quoted(sources: readonly ScopeSources[]): string {
  return sources.map(({ resourceServerId }) => `'${resourceServerId}'`).join(", ");
}

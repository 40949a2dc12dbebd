import {
  hashForNothing,
  type HashKind,
  hashKindOf,
  isSlow,
  newHashKind,
  type PasswordHash,
  type PasswordHashing,
} from "./password.ts";

/**
 * The kinds of hashes that the passwords of users are kept as: those that came from a RabbitMQ, or of
 * which scrypt asked for more or less than it does now, take another time than new ones.
 *
 * A refusal therefore costs one hash of each kind, whoever is named in it. By how long it takes nobody
 * finds out who there is, nor how long ago a password was set.
 */
export class HashKinds {
  /** Those that there are, each with how many users have one. */
  readonly #used = new Map<string, { readonly kind: HashKind; count: number }>();

  /** Somebody's password is kept so from now on. */
  add(kept: PasswordHash | undefined): void {
    const kind = kept && hashKindOf(kept);
    if (kind === undefined) return;
    const used = this.#used.get(kind.name);
    if (used === undefined) this.#used.set(kind.name, { kind, count: 1 });
    else used.count++;
  }

  /** And is so no more. */
  remove(kept: PasswordHash | undefined): void {
    const name = kept && hashKindOf(kept)?.name;
    const used = name === undefined ? undefined : this.#used.get(name);
    if (used !== undefined && --used.count === 0) this.#used.delete(name!);
  }

  /**
   * What a refusal has still to cost.
   *
   * @param hashing How new passwords are hashed, whether or not there are any.
   * @param kept What was looked at already.
   */
  others(hashing: PasswordHashing, kept: PasswordHash | undefined): OtherHashes {
    const own = newHashKind(hashing);
    const kinds = new Map([[own.name, own]]);
    for (const [name, { kind }] of this.#used) kinds.set(name, kind);
    const known = kept && hashKindOf(kept);
    if (known !== undefined) kinds.delete(known.name);
    return new OtherHashes([...kinds.values()]);
  }
}

/** Hashes that are computed for nothing. */
export class OtherHashes {
  readonly #kinds: readonly HashKind[];

  constructor(kinds: readonly HashKind[]) {
    this.#kinds = kinds;
  }

  /** True when one of them must not be computed on the event loop. */
  get slow(): boolean {
    return this.#kinds.some(isSlow);
  }

  /** Computes them, one after the other. */
  async compute(password: string): Promise<false> {
    for (const kind of this.#kinds) await hashForNothing(password, kind);
    return false;
  }
}

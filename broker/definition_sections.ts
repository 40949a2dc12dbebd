import type { JsonObject, JsonValue } from "./policy/json.ts";

/** Things of one vhost that a file has entries for. */
export interface DefinedThings<T> {
  /** The things. */
  readonly rows: readonly T[];
  /** By what they are put in order. */
  readonly key: (row: T) => string;
  /** Makes an entry. */
  readonly describe: (row: T) => JsonObject;
}

/**
 * A section of a definitions file that may be long. Which things are in it is decided when it is made,
 * so that bindings have both of their ends; what takes time, their order and their entries, is left to
 * whoever wants them.
 */
export class DefinitionSection {
  readonly #parts: readonly DefinedThings<unknown>[];

  private constructor(parts: readonly DefinedThings<unknown>[]) {
    this.#parts = parts;
  }

  /**
   * Makes one.
   *
   * @param parts The things of each vhost.
   */
  static of<T>(parts: readonly DefinedThings<T>[]): DefinitionSection {
    return new DefinitionSection(parts as unknown as readonly DefinedThings<unknown>[]);
  }

  /** How many entries it has. */
  get size(): number {
    return this.#parts.reduce((sum, { rows }) => sum + rows.length, 0);
  }

  /** What an entry is made of, vhost by vhost, in no order within one. */
  *parts(): Generator<Iterable<PendingDefinition>> {
    for (const { rows, key, describe } of this.#parts) yield pending(rows, key, describe);
  }

  /** All entries, in their order. */
  entries(): JsonObject[] {
    return [...this.parts()].flatMap((part) =>
      [...part].sort(inOrderOfDefinitions).map((entry) => entry.describe())
    );
  }
}

/** An entry of a section that is made when somebody asks for it. */
export interface PendingDefinition {
  /** Those of one vhost are in the order of this. */
  readonly key: string;
  /** Makes it. */
  readonly describe: () => JsonObject;
}

/** A definitions file whose long sections are not made yet. */
export type DefinitionSections = Readonly<Record<string, JsonValue | DefinitionSection>>;

/** The order of the entries of one vhost. */
export function inOrderOfDefinitions(
  { key: one }: PendingDefinition,
  { key: other }: PendingDefinition,
): number {
  return one < other ? -1 : 1;
}

function* pending<T>(
  rows: readonly T[],
  key: (row: T) => string,
  describe: (row: T) => JsonObject,
): Generator<PendingDefinition> {
  for (const row of rows) yield { key: key(row), describe: () => describe(row) };
}

/** The file with all of its sections. */
export function wholeFile(sections: DefinitionSections): JsonObject {
  const entries = Object.entries(sections).map(([name, value]) =>
    [name, value instanceof DefinitionSection ? value.entries() : value] as const
  );
  return Object.fromEntries(entries);
}

/** A row of messages. */
export interface PacedRow {
  /** True while it is long. */
  readonly behind: boolean;
}

/** The long rows that a publisher has added to lately: since it began to wait last, or the time before. */
export class RecentRows {
  #now = new Set<PacedRow>();
  #before = new Set<PacedRow>();

  /** It has added to one. */
  add(row: PacedRow): void {
    this.#now.add(row);
  }

  has(row: PacedRow): boolean {
    return this.#now.has(row) || this.#before.has(row);
  }

  /** True while one of them is long. Those that are not are forgotten. */
  someLong(): boolean {
    return hasLong(this.#now) || hasLong(this.#before);
  }

  /** It begins to wait: what it adds from now on is another time. */
  age(): void {
    const oldest = this.#before;
    this.#before = this.#now;
    oldest.clear();
    this.#now = oldest;
  }

  clear(): void {
    this.#now.clear();
    this.#before.clear();
  }
}

function hasLong(rows: Set<PacedRow>): boolean {
  for (const row of rows) {
    if (row.behind) return true;
    // it is added again when it is long again
    rows.delete(row);
  }
  return false;
}

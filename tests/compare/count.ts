/** How comparisons went. */
export class Count {
  /** How many were as they should be. */
  passed = 0;
  /** The titles of what did not go well. */
  readonly failed: string[] = [];

  /** Notes one. */
  note(title: string, passed: boolean): void {
    if (passed) this.passed++;
    else this.failed.push(title);
  }
}

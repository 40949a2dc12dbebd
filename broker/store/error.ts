/** What kind of trouble a store is in. */
export type StoreErrorCode =
  | "closed"
  | "corrupt"
  | "failed"
  | "full"
  | "locked"
  | "newer-format";

/** Something that the store cannot do, or could not do. */
export class StoreError extends Error {
  /** Tells it from other errors. */
  override readonly name = "StoreError";
  /** What kind of trouble it is. */
  readonly code: StoreErrorCode;

  /** An error of this kind. */
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Wraps what the file system threw, and tells a full disk from a broken one. */
export function storeError(doing: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  const text = cause instanceof Error ? cause.message : String(cause);
  return code === "ENOSPC" || code === "EDQUOT"
    ? new StoreError("full", `Cannot ${doing}: the disk is full`, { cause })
    : new StoreError("failed", `Cannot ${doing}: ${text}`, { cause });
}

// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class `tx` (90): transactions of publishes and acks.
 *
 * @module
 */

/** `tx.select` makes the channel transactional. */
export interface TxSelect {
  /** Tells it from other methods. */
  readonly name: "tx.select";
}

/** Makes `tx.select`, which has no fields. */
export function txSelect(): TxSelect {
  return { name: "tx.select" };
}

/** `tx.select-ok` confirms `tx.select`. */
export interface TxSelectOk {
  /** Tells it from other methods. */
  readonly name: "tx.select-ok";
}

/** Makes `tx.select-ok`, which has no fields. */
export function txSelectOk(): TxSelectOk {
  return { name: "tx.select-ok" };
}

/** `tx.commit` carries out what was published and settled since. */
export interface TxCommit {
  /** Tells it from other methods. */
  readonly name: "tx.commit";
}

/** Makes `tx.commit`, which has no fields. */
export function txCommit(): TxCommit {
  return { name: "tx.commit" };
}

/** `tx.commit-ok` confirms `tx.commit`. */
export interface TxCommitOk {
  /** Tells it from other methods. */
  readonly name: "tx.commit-ok";
}

/** Makes `tx.commit-ok`, which has no fields. */
export function txCommitOk(): TxCommitOk {
  return { name: "tx.commit-ok" };
}

/** `tx.rollback` drops what was published and settled since. */
export interface TxRollback {
  /** Tells it from other methods. */
  readonly name: "tx.rollback";
}

/** Makes `tx.rollback`, which has no fields. */
export function txRollback(): TxRollback {
  return { name: "tx.rollback" };
}

/** `tx.rollback-ok` confirms `tx.rollback`. */
export interface TxRollbackOk {
  /** Tells it from other methods. */
  readonly name: "tx.rollback-ok";
}

/** Makes `tx.rollback-ok`, which has no fields. */
export function txRollbackOk(): TxRollbackOk {
  return { name: "tx.rollback-ok" };
}

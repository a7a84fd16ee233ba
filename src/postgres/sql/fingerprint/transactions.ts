/** Between which transactions rows are told apart. */
export interface CountQuestion {
  /** `ClusterLook.settledBefore`. */
  readonly settledBefore: bigint;
  /** No transaction before it runs. Whatever one from here on marked as removed, it may not have removed yet. */
  readonly unendedFrom: bigint;
}

/** Both as `$1` and `$2` of a query. */
export function xids({ settledBefore, unendedFrom }: CountQuestion): string[] {
  return [xid(settledBefore), xid(unendedFrom)];
}

/** The low 32 bits of a transaction id, which is all that rows carry; `age()` compares them as the server does. */
export function xid(transaction: bigint): string {
  return String(BigInt.asUintN(32, transaction));
}

/**
 * Whether nothing that had not ended has marked the row; `$2` as of `xids`. What a multixact marked (a number of another
 * kind) is taken for what a transaction of that number did: at worst a row counts as not firm, or as firm that is only
 * locked.
 */
export function isFirm(alias: string): string {
  return `(${alias}.xmax = '0'::xid OR age(${alias}.xmax) > age($2::xid))`;
}

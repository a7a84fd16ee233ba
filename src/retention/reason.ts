/** Calendar rules that keep the first full backup of something. */
export type Period = 'week' | 'month' | 'year';

/** Why a backup is kept. Times are ms since 1970 UTC. */
export type KeepReason =
  | { readonly kind: 'days'; readonly until: number }
  | { readonly kind: Period; readonly of: string; readonly until: number }
  | { readonly kind: 'held'; readonly until: number | undefined; readonly reason: string }
  /** The newest good backup of its lineage; by its place in the log too, since clocks can be wrong. */
  | { readonly kind: 'newest'; readonly by: 'time' | 'log' }
  | { readonly kind: 'newest-verified' }
  | { readonly kind: 'floor'; readonly floor: number; readonly verified: boolean }
  /** The newest one that ended before the promised window: its first hours are reached from it. */
  | { readonly kind: 'window'; readonly from: number }
  /** `by`: the newest of `count` kept backups that build on it. */
  | { readonly kind: 'needed'; readonly by: string; readonly count: number }
  | { readonly kind: 'maybe-needed'; readonly by: string }
  | { readonly kind: 'unreadable'; readonly problem: string }
  | { readonly kind: 'chain-unreadable'; readonly by: string }
  | { readonly kind: 'ahead'; readonly started: number }
  /** The server found damaged pages in it, and no good backup has followed. */
  | { readonly kind: 'no-successor' };

/** A rule that kept a backup once and does no more. */
export type ExpiredRule = Extract<KeepReason, { readonly kind: 'days' | Period }>;

/** A reason for people. */
export function keepText(reason: KeepReason): string {
  switch (reason.kind) {
    case 'days':
      return `its days are not over until ${day(reason.until)}`;
    case 'week':
    case 'month':
    case 'year':
      return `first full backup of ${reason.of}, until ${day(reason.until)}`;
    case 'held':
      return `held${reason.until === undefined ? '' : ` until ${minute(reason.until)}`}: ${reason.reason}`;
    case 'needed':
      return neededText(reason);
    case 'maybe-needed':
    case 'unreadable':
    case 'chain-unreadable':
    case 'ahead':
      return unknownText(reason);
    default:
      return alwaysText(reason);
  }
}

function neededText({ by, count }: Extract<KeepReason, { readonly kind: 'needed' }>): string {
  return count === 1 ? `${by} builds on it` : `${count} kept backups build on it, ${by} the newest`;
}

function unknownText(
  reason: Extract<
    KeepReason,
    { readonly kind: 'maybe-needed' | 'unreadable' | 'chain-unreadable' | 'ahead' }
  >,
): string {
  switch (reason.kind) {
    case 'maybe-needed':
      return `${reason.by} may build on it, and its commit record cannot be read`;
    case 'unreadable':
      return `its commit record cannot be read, and nothing is removed unread: ${reason.problem}`;
    case 'chain-unreadable':
      return `it builds on ${reason.by}, whose commit record cannot be read`;
    case 'ahead':
      return `it began at ${minute(reason.started)}, ahead of the clock`;
  }
}

function alwaysText(
  reason: Extract<
    KeepReason,
    { readonly kind: 'newest' | 'newest-verified' | 'floor' | 'window' | 'no-successor' }
  >,
): string {
  switch (reason.kind) {
    case 'newest':
      return reason.by === 'time' ? 'the newest good backup' : 'the good backup that is furthest in the log';
    case 'newest-verified':
      return 'the newest verified backup';
    case 'floor':
      return `one of the newest ${reason.floor} ${reason.verified ? 'verified' : 'complete'} full backups`;
    case 'window':
      return `the promised window begins at ${minute(reason.from)} and is reached from it`;
    case 'no-successor':
      return 'the server found damaged pages in it, and no good backup has followed it';
  }
}

/** Why a backup is not kept any more, for people. */
export function removeText(rule: ExpiredRule): string {
  if (rule.kind === 'days') return `its days were over at ${minute(rule.until)}`;
  return `first full backup of ${rule.of} until ${minute(rule.until)}`;
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** `2026-11-22 02:00 UTC`. */
export function minute(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

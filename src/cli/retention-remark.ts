import { readMarks } from '../repository/expiry-mark.ts';
import { readHolds } from '../repository/hold-record.ts';
import { activeHolds } from '../retention/read-facts.ts';
import type { ActiveHold } from '../retention/view.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { formatTime } from '../format.ts';

/** What retention has to do with a backup just now. */
export interface RetentionRemark {
  readonly held: ActiveHold | undefined;
  /** Since when it is marked for removal, ms since 1970 UTC. */
  readonly marked: number | undefined;
}

/** By backup: those that are held or marked for removal. `now`: ms since 1970 UTC. */
export async function readRemarks(store: ObjectStore, now: number): Promise<Map<string, RetentionRemark>> {
  const remarks = new Map<string, RetentionRemark>();
  for (const held of activeHolds(await readHolds(store), now)) {
    const longer = furthest(remarks.get(held.backup)?.held, held);
    remarks.set(held.backup, { held: longer, marked: undefined });
  }
  for (const { of, marked } of await readMarks(store)) {
    if (typeof of === 'string') remarks.set(of, { held: remarks.get(of)?.held, marked });
  }
  return remarks;
}

function furthest(a: ActiveHold | undefined, b: ActiveHold): ActiveHold {
  return a === undefined || (a.until ?? Infinity) < (b.until ?? Infinity) ? b : a;
}

/** Behind the state of a backup, in a table. A hold counts for more than a mark: the next run takes that back. */
export function remarkText(remark: RetentionRemark | undefined): string {
  return remarkPairs(remark)
    .slice(0, 1)
    .map(([name, text]) => `, ${name} ${text}`)
    .join('');
}

/** The same for one backup in detail. */
export function remarkPairs(remark: RetentionRemark | undefined): (readonly [string, string])[] {
  const { held, marked } = remark ?? {};
  return [
    ...(held === undefined ? [] : [['held', heldText(held)] as const]),
    ...(marked === undefined ? [] : [['expires', `marked for removal ${formatTime(iso(marked))}`] as const]),
  ];
}

/** The same for programs. */
export function remarkJson(remark: RetentionRemark | undefined): object {
  const { held, marked } = remark ?? {};
  const until = held?.until === undefined ? null : iso(held.until);
  return {
    held: held === undefined ? null : { until, reason: held.reason },
    markedForRemoval: marked === undefined ? null : iso(marked),
  };
}

function heldText({ until, reason }: ActiveHold): string {
  return `${until === undefined ? '' : `until ${formatTime(iso(until))} `}(${reason})`;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

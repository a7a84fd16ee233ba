import { LarderError } from '../../errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { parseTime } from './parse-time.ts';
import type { TimelineChoice } from './reach.ts';
import type { RecoveryAction, RecoveryTarget } from './recovery-plan.ts';

/** What a user may say about where a restore shall end, as it was typed. */
export interface TargetOptions {
  readonly targetTime?: string;
  readonly targetLsn?: string;
  readonly targetXid?: string;
  readonly targetName?: string;
  readonly immediate?: true;
  readonly targetTimeline?: string;
  readonly exclusive?: true;
  readonly action?: string;
}

/** Where a restore shall end. */
export interface WantedTarget {
  /** `everything`: the end of the archive. `backup`: the backup's own end, without the archive. */
  readonly target: Exclude<RecoveryTarget, { kind: 'end' }> | { readonly kind: 'everything' | 'backup' };
  readonly timeline: TimelineChoice;
  readonly action: RecoveryAction;
}

/** @throws LarderError USAGE */
export function parseTarget(options: TargetOptions, now: number): WantedTarget {
  const target = readTarget(options, now);
  const counts = target.kind === 'time' || target.kind === 'lsn' || target.kind === 'xid';
  if (options.exclusive === true && !counts) {
    throw usage('--exclusive needs --target-time, --target-lsn or --target-xid');
  }
  if (target.kind === 'backup' && (options.targetTimeline !== undefined || options.action !== undefined)) {
    throw usage('--immediate goes without --target-timeline and --action: it does not use the archive');
  }
  return { target, timeline: readTimeline(options.targetTimeline), action: readAction(options.action) };
}

function readTarget(options: TargetOptions, now: number): WantedTarget['target'] {
  const { targetTime: time, targetLsn: lsn, targetXid: xid, targetName: name, immediate } = options;
  const given = [time, lsn, xid, name, immediate].filter((each) => each !== undefined);
  if (given.length > 1) {
    throw usage(
      'only one of --target-time, --target-lsn, --target-xid, --target-name and --immediate can be given',
    );
  }
  const inclusive = options.exclusive !== true;
  if (time !== undefined) return { kind: 'time', time: parseTime(time, now), inclusive };
  if (lsn !== undefined)
    return { kind: 'lsn', lsn: parseLsn(lsn) ?? refuse('--target-lsn', lsn, '16/B374D848'), inclusive };
  if (xid !== undefined) return { kind: 'xid', transaction: readTransaction(xid), inclusive };
  if (name !== undefined) return { kind: 'name', name: readName(name) };
  return { kind: immediate === true ? 'backup' : 'everything' };
}

/** `pg_current_xact_id` gives 64 bits; the log holds the lower 32. */
function readTransaction(text: string): number {
  const number = /^\d{1,19}$/.test(text) ? BigInt(text) & 0xffffffffn : 0n;
  return number >= 3n ? Number(number) : refuse('--target-xid', text, '7093');
}

/** MAXFNAMELEN of the server is 64 bytes with the closing zero. */
function readName(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > 0 && bytes < 64 && !/\p{Cc}/u.test(text)) return text;
  return refuse('--target-name', text, 'before_the_upgrade, as given to pg_create_restore_point');
}

function readTimeline(text: string | undefined): TimelineChoice {
  if (text === undefined || text === 'latest') return 'latest';
  if (text === 'current') return 'current';
  // as PostgreSQL reads recovery_target_timeline: file names show timelines in hexadecimal, the setting is decimal
  const number = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= 0xffffffff) return number;
  return refuse('--target-timeline', text, '3, 0xA, latest or current');
}

function readAction(text: string | undefined): RecoveryAction {
  if (text === undefined) return 'promote';
  if (text === 'promote' || text === 'pause' || text === 'shutdown') return text;
  return refuse('--action', text, 'promote, pause or shutdown');
}

function refuse(option: string, text: string, example: string): never {
  throw usage(`${option} cannot be ${JSON.stringify(text)}`, `Write for example ${example}.`);
}

function usage(message: string, hint = 'See "larder restore --help".'): LarderError {
  return new LarderError('USAGE', message, { hint });
}

import type { ServerFacts } from '../sql/server-facts.ts';
import { alterSystem } from './row.ts';
import type { PreflightRow } from './row.ts';

/** What is asked of one setting. A setting that this version does not have, or this role may not see, gives no row. */
interface Expectation {
  readonly setting: string;
  readonly good: (value: string) => boolean;
  readonly otherwise: 'warning' | 'error';
  readonly found: (value: string) => string;
  readonly mend: string;
}

/** Stands for the data directory until it is known. */
const DIRECTORY = 'DATA_DIRECTORY';

const EXPECTATIONS: readonly Expectation[] = [
  {
    setting: 'wal_level',
    good: (value) => value === 'replica' || value === 'logical',
    otherwise: 'error',
    found: (value) => `${value}: too little is logged for a backup`,
    mend: alterSystem('wal_level', 'replica', true),
  },
  {
    setting: 'full_page_writes',
    good: isOn,
    otherwise: 'warning',
    found: () => 'off: a crash of the primary can leave torn pages, and a standby cannot be backed up',
    mend: alterSystem('full_page_writes', 'on'),
  },
  {
    setting: 'fsync',
    good: isOn,
    otherwise: 'warning',
    found: () => 'off: a crash of the host can corrupt the cluster, and the next backups with it',
    mend: alterSystem('fsync', 'on'),
  },
  {
    setting: 'data_checksums',
    good: isOn,
    otherwise: 'warning',
    found: () => 'off: damaged pages are backed up unnoticed',
    mend: `stop the server, run pg_checksums --enable --pgdata ${DIRECTORY}, start it`,
  },
  {
    setting: 'summarize_wal',
    good: isOn,
    otherwise: 'warning',
    found: () => 'off: incremental backups read the whole cluster to find what changed',
    mend: alterSystem('summarize_wal', 'on'),
  },
  {
    setting: 'max_slot_wal_keep_size',
    good: (value) => value !== '-1',
    otherwise: 'warning',
    found: () => "no limit: a slot that nobody reads can fill the primary's disk",
    mend: alterSystem('max_slot_wal_keep_size', "'10GB'"),
  },
  {
    setting: 'idle_replication_slot_timeout',
    good: (value) => value === '0',
    otherwise: 'warning',
    found: (value) => `${value}: the slot is lost when Larder is away for that long`,
    mend: alterSystem('idle_replication_slot_timeout', '0'),
  },
];

export function settingRows(facts: ServerFacts): readonly PreflightRow[] {
  return EXPECTATIONS.flatMap((expectation): readonly PreflightRow[] => {
    const value = facts.settings.get(expectation.setting);
    if (value === undefined) return [];
    const name = expectation.setting;
    if (expectation.good(value)) return [{ name, state: 'ok', found: value }];
    return [
      {
        name,
        state: expectation.otherwise,
        found: expectation.found(value),
        mend: mendOf(expectation, facts),
      },
    ];
  });
}

function mendOf(expectation: Expectation, facts: ServerFacts): string {
  return expectation.mend.replace(DIRECTORY, facts.settings.get('data_directory') ?? DIRECTORY);
}

function isOn(value: string): boolean {
  return value === 'on';
}

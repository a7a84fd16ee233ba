import { differences } from '../../../src/demo/compare-clusters.ts';
import { openInstanceSession, type InstanceSession } from '../../../src/postgres/server/instance-session.ts';
import {
  type ClusterHolding,
  compareHoldings,
  FOUND_HOLDINGS,
  type FoundHolding,
} from './cluster-holdings.ts';
import { compareDatabase, type FoundDatabase } from './compare-database.ts';
import { readContents, readDatabaseNames } from './contents.ts';
import type { Expectation } from './expectation.ts';
import { readLedger, readPresent } from './ledger.ts';
import { physicalFindings } from './physical-checks.ts';

/**
 * Compares a running copy with what is expected of it, and checks all of its indexes and heaps. One sentence for each thing
 * that is wrong; an error of the server is one too. What changes the copy comes last.
 */
export async function checkCopy(connection: string, expectation: Expectation): Promise<string[]> {
  const { contents } = expectation;
  return [
    ...(await attempt('databases and tablespaces', () => holdingFindings(connection))),
    ...(await attempt('contents', async () =>
      contents === undefined ? [] : differences(contents, await readContents(connection)),
    )),
    ...(await attempt('the list of databases', () => databaseFindings(connection, expectation))),
  ];
}

async function holdingFindings(connection: string): Promise<string[]> {
  await using session = await openInstanceSession(connection);
  const expected = (await session.query('SELECT * FROM holdings')) as unknown as ClusterHolding[];
  const found = (await session.query(FOUND_HOLDINGS)) as unknown as FoundHolding[];
  return compareHoldings(expected, found);
}

async function databaseFindings(connection: string, expectation: Expectation): Promise<string[]> {
  const findings: string[] = [];
  for (const database of await readDatabaseNames(connection)) {
    findings.push(
      ...(await attempt(database, async () => {
        await using session = await openInstanceSession(connection, database);
        return [
          ...(await attempt(database, async () =>
            compareDatabase(await readDatabase(session, database), expectation),
          )),
          ...(await physicalFindings(session)).map((finding) => `${database}: ${finding}`),
        ];
      })),
    );
  }
  return findings;
}

async function readDatabase(session: InstanceSession, database: string): Promise<FoundDatabase> {
  const [history] = await session.query(
    'SELECT coalesce(min(batch), 0) AS first, coalesce(max(batch), 0) AS last, count(*) AS count FROM storm.history',
  );
  return {
    database,
    history: {
      first: Number(history!['first']),
      last: Number(history!['last']),
      count: Number(history!['count']),
    },
    ledger: await readLedger(session),
    present: await readPresent(session),
  };
}

async function attempt(what: string, look: () => Promise<string[]>): Promise<string[]> {
  try {
    return await look();
  } catch (error) {
    return [`${what}: ${String(error)}`];
  }
}

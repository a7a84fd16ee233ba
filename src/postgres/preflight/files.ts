import { quoteIdentifier } from '../sql/quote.ts';
import type { ServerFacts } from '../sql/server-facts.ts';
import type { PreflightRow } from './row.ts';

const FILES = ['config_file', 'hba_file', 'ident_file'] as const;

/** Where the cluster's files lie: what a backup holds, and what it does not. */
export function fileRows(facts: ServerFacts): readonly PreflightRow[] {
  return [tablespaceRow(facts), configurationRow(facts)];
}

function tablespaceRow(facts: ServerFacts): PreflightRow {
  const found = facts.tablespaces.map(({ name, location }) => `${name} at ${location}`).join(', ');
  return { name: 'tablespaces', state: 'ok', found: found === '' ? 'none' : found };
}

function configurationRow(facts: ServerFacts): PreflightRow {
  const name = 'configuration files';
  const directory = facts.settings.get('data_directory');
  const paths = FILES.flatMap((setting) => facts.settings.get(setting) ?? []);
  if (directory === undefined || paths.length === 0) {
    return {
      name,
      state: 'unknown',
      found: `role ${facts.role.name} may not see where they are`,
      mend: `GRANT pg_read_all_settings TO ${quoteIdentifier(facts.role.name)};`,
    };
  }
  const outside = paths.filter((path) => !path.startsWith(`${directory}/`));
  if (outside.length === 0)
    return { name, state: 'ok', found: 'in the data directory, and so in the backup' };
  return {
    name,
    state: 'warning',
    found: `not in the backup, since they are outside the data directory: ${outside.join(', ')}`,
    mend: `keep copies of your own: cp --archive ${outside.join(' ')} DIRECTORY`,
  };
}

import { resolve } from 'node:path';
import type { ApplicationConfig, DrillConfig } from './config.ts';
import type { ParsedCluster } from './schema.ts';

/** What an application gets for its look at a copy, milliseconds. */
const APPLICATION_LIMIT = 5 * 60_000;

/** Of one cluster; `database` is the one of its connection. */
export function buildDrill(
  { target, timeout, 'second-site': secondSite, application }: ParsedCluster['drill'],
  { database }: { readonly database: string },
  workingDirectory: string,
): DrillConfig {
  return {
    target,
    timeout,
    secondSite: secondSite ? resolve(workingDirectory, secondSite) : undefined,
    application: buildApplication(application ?? {}, database, workingDirectory),
  };
}

function buildApplication(
  parsed: NonNullable<ParsedCluster['drill']['application']> | Record<string, never>,
  database: string,
  workingDirectory: string,
): ApplicationConfig | undefined {
  const { command, script } = parsed;
  const run: ApplicationConfig['run'] | undefined = command
    ? { kind: 'command', argv: command }
    : script
      ? { kind: 'script', path: resolve(workingDirectory, script) }
      : undefined;
  if (run === undefined) return undefined;
  return { run, database: parsed.database ?? database, limit: parsed.timeout ?? APPLICATION_LIMIT };
}

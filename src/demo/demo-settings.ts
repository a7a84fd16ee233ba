import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { FILE_VARIABLE } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { readFileWithMode } from '../config/read-file.ts';
import type { DemoCluster } from './embedded-cluster.ts';

export interface DemoSettings {
  /** Absolute path; backups, state and the configuration file lie below it. */
  readonly directory: string;
  readonly cluster: Pick<DemoCluster, 'connection' | 'passwordFile'>;
  readonly http: { readonly host: string; readonly port: number };
}

/**
 * Writes the configuration of the demonstration to `larder.yaml` of its directory, so that other commands find its
 * server, and loads it. What the environment says of another server or repository has no part in it. Throws as
 * `loadConfig`, and the file system's errors.
 */
export async function configureDemo(
  settings: DemoSettings,
  environment: NodeJS.ProcessEnv,
): Promise<{ readonly file: string; readonly config: Config }> {
  const file = join(settings.directory, 'larder.yaml');
  await writeFile(file, demoConfigText(settings), { mode: 0o600 });
  const config = await loadConfig({
    environment: { ...demoEnvironment(environment), [FILE_VARIABLE]: file },
    workingDirectory: settings.directory,
    readFile: readFileWithMode,
  });
  return { file, config };
}

/** A JSON string is a YAML string too, whatever the path holds. */
export function demoConfigText({ directory, cluster, http }: DemoSettings): string {
  const text = (value: string): string => JSON.stringify(value);
  return `# Written by "larder start" each time it starts its own PostgreSQL; changes are lost.
clusters:
  truck:
    connection: ${text(`${cluster.connection}?sslmode=disable`)}
    password-file: ${text(cluster.passwordFile)}
    repository:
      path: ${text(join(directory, 'backups'))}
http:
  host: ${text(http.host)}
  port: ${http.port}
state: ${text(join(directory, 'state'))}
`;
}

/** What may hold for the demonstration too: ports, log level, schedules; nothing that names a server or a place. */
export function demoEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => name.startsWith('LARDER_') && !PLACES.includes(name),
  );
  return Object.fromEntries(kept);
}

const PLACES: readonly string[] = ['LARDER_STATE_DIR', 'LARDER_REPORT_RESULTS', 'LARDER_REPORT_DIRECTORY'];

import type { StartedTestContainer } from 'testcontainers';
import { Wait } from 'testcontainers';
import { HardenedContainer } from './hardened-container.ts';
import type { Stage } from './stage.ts';

export interface LarderContainer {
  readonly backups: string;
  readonly state: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The image's own without it. */
  readonly user?: string;
}

const ENVIRONMENT = {
  DATABASE_URL: 'postgresql://larder@database/postgres',
  DATABASE_PASSWORD_FILE: '/run/secrets/larder_password',
  LARDER_HTTP_HOST: '0.0.0.0',
};

/** The image as docker-compose.yml runs it, not started yet. */
export function larderContainer(image: string, stage: Stage, options: LarderContainer): HardenedContainer {
  const container = new HardenedContainer(image);
  if (options.user !== undefined) container.withUser(options.user);
  container
    .withEnvironment({ ...ENVIRONMENT, ...options.environment })
    .withNetwork(stage.network)
    .withExposedPorts(9847)
    .withBindMounts([
      { source: options.backups, target: '/var/lib/larder/backups', mode: 'rw' },
      { source: options.state, target: '/var/lib/larder/state', mode: 'rw' },
      { source: stage.secret('larder_password'), target: '/run/secrets/larder_password', mode: 'ro' },
    ])
    .withWaitStrategy(Wait.forHttp('/health/live', 9847));
  return container;
}

/** Asks the service from outside. */
export async function get(
  container: StartedTestContainer,
  path: string,
): Promise<{ status: number; body: string }> {
  const address = `http://${container.getHost()}:${container.getMappedPort(9847)}${path}`;
  const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) });
  return { status: answer.status, body: await answer.text() };
}

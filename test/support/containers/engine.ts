import { test } from '@jest/globals';
import { ImageName, getContainerRuntimeClient, type ContainerRuntimeClient } from 'testcontainers';
import { toLarderError } from '../../../src/errors.ts';

/** What the Dockerfile and the tests begin with. */
export const BASE_IMAGES = ['node:24-bookworm-slim', 'postgres:18-bookworm'] as const;

/** The engine that answers on DOCKER_HOST, or why there is nothing to run containers with. */
export type Engine =
  | { readonly client: ContainerRuntimeClient; readonly missing: undefined }
  | { readonly client: undefined; readonly missing: string };

/** Looks once; pulls the base images that are not there yet. */
export async function findEngine(): Promise<Engine> {
  if (!process.env['DOCKER_HOST']) return missing('DOCKER_HOST is not set, so there is no container engine');
  let client: ContainerRuntimeClient;
  try {
    client = await getContainerRuntimeClient();
  } catch (error) {
    return missing(`no container engine answers on DOCKER_HOST (${toLarderError(error).message})`);
  }
  for (const name of BASE_IMAGES) {
    try {
      // pulls only what is not there
      await client.image.pull(ImageName.fromString(name));
    } catch (error) {
      return missing(`the image ${name} is not there and cannot be pulled (${toLarderError(error).message})`);
    }
  }
  return { client, missing: undefined };
}

/** `test`, or `test.skip` with the reason on stderr. */
export function engineTest(engine: Engine): typeof test | typeof test.skip {
  if (engine.missing === undefined) return test;
  process.stderr.write(`the tests of containers are skipped: ${engine.missing}\n`);
  return test.skip;
}

function missing(reason: string): Engine {
  return { client: undefined, missing: reason };
}

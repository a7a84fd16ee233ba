import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { findFreePort } from '../../../src/postgres/server/free-port.ts';
import { eventually } from '../larder-process.ts';
import { startBeside } from './child.ts';
import { DEPLOY } from './rules.ts';
import { tool } from './tools.ts';

/** An Alertmanager with the shipped routes, and the services that it tells. */
export interface TestAlertmanager extends AsyncDisposable {
  readonly port: number;
  /** Bodies that were posted to where alerts go. */
  readonly alerts: () => readonly string[];
  /** How often the dead man's switch was told that all is well. */
  readonly signsOfLife: () => number;
}

export async function startAlertmanager(directory: string): Promise<TestAlertmanager> {
  await mkdir(directory, { recursive: true });
  const told = await startTold();
  const port = await findFreePort();
  await writeFile(join(directory, 'alert_url'), `http://127.0.0.1:${told.port}/alerts`);
  await writeFile(join(directory, 'dead_mans_switch_url'), `http://127.0.0.1:${told.port}/alive`);
  const shipped = await readFile(`${DEPLOY}alertmanager/alertmanager.yml`, 'utf8');
  const quick = shipped
    .replaceAll('/run/secrets/', `${directory}/`)
    .replaceAll(/(group_wait|group_interval): \w+/g, '$1: 1s')
    .replaceAll(/repeat_interval: 1m/g, 'repeat_interval: 1s');
  await writeFile(join(directory, 'alertmanager.yml'), quick);
  const program = startBeside(tool('alertmanager'), [
    `--config.file=${join(directory, 'alertmanager.yml')}`,
    `--storage.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
    '--log.level=warn',
  ]);
  const isReady = async () => {
    if (program.ended()) throw new Error(program.output());
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
    return response?.ok === true;
  };
  try {
    await eventually(isReady, (ready) => ready, 60);
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  return {
    port,
    alerts: () => told.bodies('/alerts'),
    signsOfLife: () => told.bodies('/alive').length,
    [Symbol.asyncDispose]: async () => {
      await program[Symbol.asyncDispose]();
      await told[Symbol.asyncDispose]();
    },
  };
}

/** A service that takes whatever is posted to it. */
async function startTold() {
  const posted: { path: string; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      posted.push({ path: request.url ?? '', body });
      response.end('ok');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    bodies: (path: string) => posted.filter((each) => each.path === path).map(({ body }) => body),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

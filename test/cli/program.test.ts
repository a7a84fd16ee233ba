import { expect, test } from '@jest/globals';
import { larder } from '../support/larder-command.ts';

/** Makes Node write the URL of everything that it loads, a line each, at its end. */
const LIST_LOADED = `
  import { registerHooks } from 'node:module';
  const urls = [];
  registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
  process.on('exit', () => process.stderr.write(urls.join('\\n')));`;

async function loadedBy(...args: string[]): Promise<string> {
  const hooks = `data:text/javascript,${encodeURIComponent(LIST_LOADED)}`;
  const { code, stderr } = await larder(args, { NODE_OPTIONS: `--import=${hooks}` });
  expect(code).toBe(0);
  return stderr;
}

test('a backup loads nothing of the service, of other commands or of the parser of a file that is not there', async () => {
  const loaded = await loadedBy('backup', '--help');
  expect(loaded).toContain('/src/backup/take-backup.ts');
  expect(loaded).not.toMatch(/node_modules\/(fastify|prom-client|pino|yaml)\//);
  expect(loaded).not.toMatch(/\/src\/(restore|verify|demo|http|observability)\//);
});

test('the service does load them', async () => {
  expect(await loadedBy('daemon', '--help')).toMatch(/node_modules\/fastify\//);
});

test('help tells of every command, also of one by its name', async () => {
  const { stdout } = await larder(['--help']);
  const commands = [...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map((match) => match[1]);
  expect(commands).toEqual(
    expect.arrayContaining([
      'start',
      'daemon',
      'demo',
      'check',
      'backup',
      'list',
      'restore',
      'verify',
      'prune',
      'hold',
      'release',
      'wal',
    ]),
  );
  expect((await larder(['help', 'restore'])).stdout).toContain('Usage: larder restore');
});

test('a slip of the pen is told the command that was meant', async () => {
  const { code, stderr } = await larder(['bakup']);
  expect(code).toBe(2);
  expect(stderr).toContain('Did you mean backup?');
});

import { expect, test } from '@jest/globals';
import { larder } from '../support/larder-command.ts';

/** Makes Node write the URL of everything that it loads, a line each, at its end. */
const LIST_LOADED = `
  import { registerHooks } from 'node:module';
  const urls = [];
  registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
  process.on('exit', () => process.stderr.write(urls.join('\\n')));`;

async function loadedBy(...args: string[]): Promise<{ code: number | null; loaded: string }> {
  const hooks = `data:text/javascript,${encodeURIComponent(LIST_LOADED)}`;
  const { code, stderr } = await larder(args, { NODE_OPTIONS: `--import=${hooks}` });
  return { code, loaded: stderr };
}

test('a backup loads nothing of the service, of other commands or of the parser of a file that is not there', async () => {
  const { code, loaded } = await loadedBy('backup', '--help');
  expect(code).toBe(0);
  expect(loaded).toContain('/src/backup/take-backup.ts');
  expect(loaded).not.toMatch(/node_modules\/(fastify|prom-client|pino|yaml)\//);
  expect(loaded).not.toMatch(/\/src\/(restore|verify|demo|http|observability)\//);
});

test('the service does load them', async () => {
  const { code, loaded } = await loadedBy('daemon');
  // nothing is configured
  expect(code).toBe(2);
  expect(loaded).toMatch(/node_modules\/fastify\//);
});

test('the version loads no command, and no configuration', async () => {
  const { code, loaded } = await loadedBy('--version');
  expect(code).toBe(0);
  expect(loaded).toContain('/src/cli/program.ts');
  expect(loaded).not.toMatch(/-command\.ts|\/src\/config\/|node_modules\/zod\//);
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

// Format, lint with layer rules, types, dead code: side by side, each with its own output. Exit 1 when any finds something.
import { spawn } from 'node:child_process';

const checks = {
  format: ['prettier', '--check', '--log-level', 'warn', '.'],
  types: ['tsc', '--project', 'test/tsconfig.json'],
  lint: [
    'eslint',
    '--config',
    '.eslint.config.mjs',
    '--max-warnings',
    '0',
    'src',
    'test',
    'bench',
    'jest.config.ts',
  ],
  layers: ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'src'],
  'dead code': ['knip'],
};

function run(name, [command, ...args]) {
  return new Promise((resolve) => {
    const started = process.hrtime.bigint();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += String(error)));
    child.on('close', (code) => {
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      process.stdout.write(
        `${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds.toFixed(1)} s)\n${code === 0 ? '' : output}`,
      );
      resolve(code === 0);
    });
  });
}

const queue = Object.entries(checks);
let allOk = true;
async function lane() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    allOk = (await run(...next)) && allOk;
  }
}
await Promise.all([lane(), lane(), lane()]);
process.exit(allOk ? 0 : 1);

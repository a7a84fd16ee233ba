// Installs the project's packages when they are missing or older than the lock file. Runs under any Node ≥ 20, before anything else.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const installed = join(root, 'node_modules', '.package-lock.json');
const lock = join(root, 'package-lock.json');

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  process.stderr.write('Larder: installing packages (once) …\n');
  // not "npm ci", which refuses a lock file that lacks optional packages of other platforms, as a registry mirror that
  // has not all of them makes one; versions and checksums come from the lock file here too
  const result = spawnSync('npm', ['install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) {
    process.stderr.write(
      `Larder: "npm install" failed (exit ${result.status ?? result.signal}); its own message is above.\n`,
    );
    process.exit(1);
  }
}

import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '@jest/globals';

const SCRIPT = fileURLToPath(new URL('../../../scripts/monitoring-tools', import.meta.url));

/** Where the programs of Prometheus and Alertmanager are; undefined where they cannot be had, with the reason on stderr. */
const directory = find();

/** A test that needs them. */
export const monitoringTest = directory === undefined ? test.skip : test;

/** A test that needs the servers themselves, Alertmanager too. */
export const monitoringServersTest =
  directory !== undefined && existsSync(join(directory, 'alertmanager')) ? test : test.skip;

/** The path of one of them. */
export function tool(name: 'prometheus' | 'promtool' | 'alertmanager' | 'amtool'): string {
  if (directory === undefined) throw new Error('the programs of Prometheus are not here');
  return join(directory, name);
}

/** What it says on both outputs, and its exit code. */
export async function runTool(
  name: 'promtool' | 'amtool',
  args: readonly string[],
  input = '',
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = execFile(tool(name), args, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

function find(): string | undefined {
  try {
    return execFileSync(SCRIPT, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? String(error);
    process.stderr.write(`tests with a real Prometheus are skipped: ${said}\n`);
    return undefined;
  }
}

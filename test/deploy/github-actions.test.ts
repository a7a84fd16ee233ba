import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { Schedule } from '../../src/scheduler/schedule.ts';

interface Step {
  name: string;
  if?: string;
  uses?: string;
  env?: Record<string, string>;
  run?: string;
}
interface Workflow {
  on: { schedule: { cron: string }[]; workflow_dispatch: object };
  permissions: object;
  concurrency: { 'cancel-in-progress': boolean };
  jobs: Record<
    string,
    { 'runs-on': string[]; 'timeout-minutes': number; env: Record<string, string>; steps: Step[] }
  >;
}

const workflow = parse(
  readFileSync(new URL('../../deploy/github-actions/backup.yml', import.meta.url), 'utf8'),
) as Workflow;
const job = workflow.jobs['backup']!;
const scripts = job.steps.flatMap(({ run }) => run ?? []);

test('the workflow runs by a schedule and on demand, one at a time, and never for ever', () => {
  for (const { cron } of workflow.on.schedule) expect(() => new Schedule(cron)).not.toThrow();
  expect(workflow.on).toHaveProperty('workflow_dispatch');
  expect(workflow.concurrency['cancel-in-progress']).toBe(false);
  expect(job['timeout-minutes']).toBeGreaterThan(0);
});

test('it has no right to the repository of the code, and uses no action of others', () => {
  expect(workflow.permissions).toEqual({});
  expect(job.steps.flatMap(({ uses }) => uses ?? [])).toEqual([]);
});

test('nothing of GitHub’s is written into a script, and the secret reaches one step, as a file that goes away', () => {
  for (const script of scripts) expect(script).not.toContain('${{');
  const withSecret = job.steps.filter((step) => JSON.stringify(step).includes('secrets.'));
  expect(withSecret.map(({ run }) => run)).toEqual([expect.stringMatching(/umask 077[^]*larder-password/)]);
  expect(JSON.stringify(job.env)).not.toContain('secrets.');
  expect(job.steps.at(-1)).toMatchObject({
    if: 'always()',
    run: expect.stringMatching(/^rm .*larder-password/),
  });
});

test('a backup counts when it was read back, and a failed step is no success', () => {
  const script = scripts.find((each) => each.includes('larder backup'))!;
  expect(script).toMatch(/^set -euo pipefail\n/);
  // an engine that loses the exit code of such a container would make every night a success
  expect(script).not.toMatch(/docker run .*--rm/);
  expect(script.indexOf('larder verify latest')).toBeGreaterThan(script.indexOf('larder backup'));
  for (const flag of ['--read-only', '--cap-drop ALL', 'no-new-privileges']) expect(script).toContain(flag);
});

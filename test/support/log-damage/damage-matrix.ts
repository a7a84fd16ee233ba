import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseInstanceUser } from '../../../src/postgres/server/instance-user.ts';
import { larder, type Ended } from '../larder-command.ts';
import type { DamagedLogBed } from './damaged-log-bed.ts';
import { damage, type Damage } from './damages.ts';

/** As many as there are cores where this runs. */
const AT_A_TIME = 2;

/** One object that is damaged, and how. */
export interface DamageCase {
  readonly object: string;
  readonly how: Damage;
}

/** The commands that must tell, each with the exit codes that say so. */
const COMMANDS = {
  'wal status': { codes: [7], arguments: (): readonly string[] => ['wal', 'status'] },
  verify: { codes: [7], arguments: (): readonly string[] => ['verify', 'latest', '--level', 'objects'] },
  restore: { codes: [4, 7], arguments: (to: string): readonly string[] => ['restore', '--to-dir', to] },
  'restore --start': {
    codes: [4, 7],
    arguments: (to: string): readonly string[] => ['restore', '--to-dir', to, '--start'],
  },
} as const;

export interface MatrixReport {
  readonly cases: number;
  /** What was not told, or not as it should be. */
  readonly silent: readonly string[];
  /** One line. */
  readonly summary: string;
}

/** Damages one object after the other in a copy of the repository, and asks every command; then puts it back. */
export async function runMatrix(
  bed: DamagedLogBed,
  directory: string,
  cases: readonly DamageCase[],
): Promise<MatrixReport> {
  const silent: string[] = [];
  const queue = [...cases];
  const work = async (lane: number): Promise<void> => {
    const repository = join(directory, `damaged-${lane}`);
    await cp(bed.repository.location.directory, repository, { recursive: true });
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const putBack = await damage(join(repository, next.object), next.how);
      silent.push(...(await askAll({ repository, to: join(directory, `restored-${lane}`) }, next)));
      await putBack();
    }
    silent.push(...(await complaintsOfWhole(repository)));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, async (_, lane) => work(lane)));
  const objects = new Set(cases.map(({ object }) => object)).size;
  const told = silent.length === 0 ? 'every one told' : `${silent.length} NOT TOLD`;
  const commands = Object.keys(COMMANDS).join(', ');
  const summary = `${cases.length} damages of ${objects} objects of the log: ${told}, by each of: ${commands}`;
  return { cases: cases.length, silent, summary };
}

interface Places {
  readonly repository: string;
  /** Where a restore would go. */
  readonly to: string;
}

async function askAll({ repository, to }: Places, { object, how }: DamageCase): Promise<string[]> {
  const silent: string[] = [];
  for (const [name, { codes, arguments: argumentsFor }] of Object.entries(COMMANDS)) {
    const { code, stdout, stderr } = await ask([...argumentsFor(to), ...(await ownerOf(name))], repository);
    const wrong = [
      ...(codes.some((each) => each === code) ? [] : [`ended with ${code}`]),
      // a segment that is gone is named by itself, for the tails of one the segment counts
      ...(`${stdout}${stderr}`.includes(nameOf(object)) ? [] : ['did not name it']),
      ...(existsSync(to) ? ['wrote a directory'] : []),
    ];
    if (wrong.length > 0)
      silent.push(`${object} ${how}: larder ${name} ${wrong.join(', ')}\n${stdout}${stderr}`);
  }
  return silent;
}

function nameOf(object: string): string {
  return object.split('/').at(-1)!.split('.tail')[0]!;
}

/** What was damaged and put back is whole again, so that each case showed nothing but its own damage. */
async function complaintsOfWhole(repository: string): Promise<string[]> {
  const asked = [['wal', 'status'], ['verify'], ['restore', '--to-dir', '/nowhere', '--dry-run']];
  const complaints: string[] = [];
  for (const words of asked) {
    const all = [...words, ...(await ownerOf(words[0] ?? ''))];
    const { code, stdout, stderr } = await ask(all, repository);
    if (code !== 0) complaints.push(`the whole repository: larder ${words.join(' ')}: ${stdout}${stderr}`);
  }
  return complaints;
}

function ask(words: readonly string[], repository: string): Promise<Ended> {
  return larder([...words, '--repository', repository]);
}

async function ownerOf(command: string): Promise<string[]> {
  const owner = command.startsWith('restore') ? await chooseInstanceUser() : undefined;
  return owner === undefined ? [] : ['--owner', owner.name];
}

import { readFile } from 'node:fs/promises';

/** What is mounted anywhere, as paths; empty where the system does not tell. */
export async function readMountPoints(): Promise<ReadonlySet<string>> {
  return parseMountPoints(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''));
}

/** @param mountinfo of /proc: the fifth field, with spaces and the like as three octal digits behind a backslash */
export function parseMountPoints(mountinfo: string): ReadonlySet<string> {
  const fields = mountinfo.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  return new Set(
    fields.map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8))),
    ),
  );
}

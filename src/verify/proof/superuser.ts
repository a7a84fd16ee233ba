import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LarderError } from '../../errors.ts';

const PAGE = 8192;
/** Of a page's header, bytes; line pointers of four bytes follow. */
const PAGE_HEADER = 24;
const NORMAL_POINTER = 1;
/** `pg_authid`, in `pg_filenode.map` and, until it is rewritten, as the name of its file. */
const PG_AUTHID = 1260;
const NAME_LENGTH = 64;

/**
 * Names of roles that may be superusers which can log in, as the files say: nothing else tells the name of a strange
 * cluster's superuser to somebody who is not logged in yet. Old versions of rows count too, so each has to be tried.
 * `postgres` comes first where it is one.
 */
export async function superuserCandidates(dataDirectory: string): Promise<string[]> {
  const map = await readFile(join(dataDirectory, 'global/pg_filenode.map')).catch(() => Buffer.alloc(0));
  const file = join(dataDirectory, 'global', String(mappedFile(map, PG_AUTHID)));
  const names = await readFile(file).then(rolesOf, (cause: unknown) => {
    throw new LarderError('RESTORE_FAILED', `the list of roles (${file}) cannot be read`, { cause });
  });
  return [...new Set(names)].sort((a, b) => Number(b === 'postgres') - Number(a === 'postgres'));
}

/** The number of a mapped relation's file (relmapper.c): a magic number, a count, pairs of OID and file. */
function mappedFile(map: Buffer, relation: number): number {
  const count = map.length >= 8 ? map.readInt32LE(4) : 0;
  for (let index = 0; index < count && 16 + index * 8 <= map.length; index++) {
    if (map.readUInt32LE(8 + index * 8) === relation) return map.readUInt32LE(12 + index * 8);
  }
  return relation;
}

function rolesOf(file: Buffer): string[] {
  const names: string[] = [];
  for (let start = 0; start + PAGE <= file.length; start += PAGE) {
    names.push(...rolesOfPage(file.subarray(start, start + PAGE)));
  }
  return names;
}

/** Each row: OID, name, then one byte each for superuser, inherit, create role, create database, login (pg_authid.h). */
function rolesOfPage(page: Buffer): string[] {
  const names: string[] = [];
  const lower = Math.min(page.readUInt16LE(12), PAGE);
  for (let at = PAGE_HEADER; at + 4 <= lower; at += 4) {
    const pointer = page.readUInt32LE(at);
    const [offset, state] = [pointer & 0x7fff, (pointer >>> 15) & 3];
    if (state !== NORMAL_POINTER || offset + 24 > PAGE) continue;
    const row = page.subarray(offset + page.readUInt8(offset + 22));
    if (row.length < 4 + NAME_LENGTH + 5) continue;
    const name = row.subarray(4, 4 + NAME_LENGTH);
    const [isSuperuser, canLogIn] = [row.readUInt8(68), row.readUInt8(72)];
    if (isSuperuser === 1 && canLogIn === 1) names.push(name.subarray(0, name.indexOf(0)).toString('utf8'));
  }
  return names;
}

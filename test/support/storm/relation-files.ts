import { open, readFile, rm, truncate } from 'node:fs/promises';
import { openInstanceSession } from '../../../src/postgres/server/instance-session.ts';

const PAGE_BYTES = 8192;

/** The files of a database's relations by name, relative to the data directory; `<table> toast` for a TOAST table. */
export async function relationFiles(connection: string, database: string): Promise<Map<string, string>> {
  await using session = await openInstanceSession(connection, database);
  const rows = await session.query(`
    SELECT coalesce(owner.relname || ' toast', c.relname) AS name, pg_relation_filepath(c.oid) AS path
    FROM pg_class AS c LEFT JOIN pg_class AS owner ON owner.reltoastrelid = c.oid
    WHERE pg_relation_filepath(c.oid) IS NOT NULL`);
  return new Map(rows.map(({ name, path }) => [String(name), String(path)]));
}

/** Damages one file of a server that does not run. */
export type Damage = (path: string) => Promise<void>;

export const removeFile: Damage = (path) => rm(path);

export const cutLastPage: Damage = async (path) => {
  const { length } = await readFile(path);
  await truncate(path, length - PAGE_BYTES);
};

export function zeroPage(block: number): Damage {
  return (path) => writePage(path, block, Buffer.alloc(PAGE_BYTES));
}

/** Puts the first page that is another one in an older copy of the file back; throws when there is none. */
export function stalePage(older: string): Damage {
  return async (path) => {
    const [then, now] = [await readFile(older), await readFile(path)];
    for (let block = 0; (block + 1) * PAGE_BYTES <= Math.min(then.length, now.length); block++) {
      if (pageOf(then, block).equals(pageOf(now, block))) continue;
      return writePage(path, block, pageOf(then, block));
    }
    throw new Error(`no page of ${path} has changed`);
  };
}

/** Takes the last entry of the first leaf page of a btree away. */
export const dropBtreeEntry: Damage = async (path) => {
  const file = await readFile(path);
  for (let block = 1; (block + 1) * PAGE_BYTES <= file.length; block++) {
    if (isLeaf(pageOf(file, block))) return dropLastEntry(block)(path);
  }
  throw new Error(`${path} has no leaf page with entries`);
};

/** Takes the last entry of a page away. */
export function dropLastEntry(block: number): Damage {
  return async (path) => {
    const page = pageOf(await readFile(path), block);
    // pd_lower, the end of the line pointers of four bytes each
    page.writeUInt16LE(page.readUInt16LE(12) - 4, 12);
    await writePage(path, block, page);
  };
}

/** Bytes that are no page, the same for every block. */
export function garbagePage(block: number): Damage {
  return (path) =>
    writePage(
      path,
      block,
      Buffer.from(Array.from({ length: PAGE_BYTES }, (_, at) => (at * 37 + block) % 251)),
    );
}

/** Makes the line pointer of a row (from 1 on) lead to where no row can begin. */
export function brokenLinePointer(block: number, row: number): Damage {
  return async (path) => {
    const page = pageOf(await readFile(path), block);
    const at = 24 + (row - 1) * 4;
    page.writeUInt32LE(page.readUInt32LE(at) ^ 0x0003, at);
    await writePage(path, block, page);
  };
}

/** BTP_LEAF alone, or with BTP_HAS_GARBAGE; two entries at least (bufpage.h, nbtree.h). */
function isLeaf(page: Buffer): boolean {
  const [lower, special] = [page.readUInt16LE(12), page.readUInt16LE(16)];
  if (special === 0) return false;
  const flags = page.readUInt16LE(special + 12);
  return (flags & ~0x40) === 0x01 && lower >= 24 + 3 * 4;
}

/** Says of every page of the table that all of its rows are frozen and visible to all. */
export const claimAllFrozen: Damage = async (path) => {
  const [heap, map] = [await readFile(path), await readFile(`${path}_vm`)];
  map.fill(0xff, 24, 24 + Math.floor(heap.length / PAGE_BYTES / 4));
  await writePage(`${path}_vm`, 0, pageOf(map, 0));
};

function pageOf(file: Buffer, block: number): Buffer {
  return file.subarray(block * PAGE_BYTES, (block + 1) * PAGE_BYTES);
}

async function writePage(path: string, block: number, page: Buffer): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(page, 0, PAGE_BYTES, block * PAGE_BYTES);
}

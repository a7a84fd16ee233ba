import * as z from 'zod';
import { LarderError } from '../errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';

const LEASE_PREFIX = 'lease/';
const LEASE_NAME = /^lease\/(\d{10})$/;

/** A record has some 500 bytes; what is larger is not one. */
const LARGEST = 4096;

/** A lease taken away between listing and reading is looked for this often; each time, somebody else has taken one. */
const ATTEMPTS = 20;

/** Shown in messages, so it must not be able to write to a terminal. */
const printable = z
  .string()
  .max(255)
  .regex(/^\P{Cc}*$/u);
const time = z.iso.datetime().transform((text) => Date.parse(text));

const leaseRecord = z.object({
  epoch: z.int().positive(),
  /** Random, one for each taking: tells an own record from one of the same epoch by somebody else. */
  token: printable,
  /** What it was taken for: `backup`, `retention`. */
  holder: printable,
  host: printable,
  pid: z.int().positive(),
  bootId: printable.optional(),
  pidNamespace: printable.optional(),
  processStart: printable.optional(),
  /** Milliseconds since 1970 UTC by the holder's clock, like the two below; ISO 8601 when stored. */
  acquired: time,
  renewed: time,
  released: time.optional(),
  /** Without renewal for this long, the lease is free. */
  ttlSeconds: z.int().positive().max(3600),
});

export type LeaseRecord = Readonly<z.infer<typeof leaseRecord>>;

/** A lease object as found in the store. */
export interface StoredLease {
  readonly name: string;
  readonly epoch: number;
  /** When the store says it was last written, milliseconds since 1970 UTC. */
  readonly modified: number;
  /** `undefined` when the object is not a lease record. */
  readonly record: LeaseRecord | undefined;
}

export function leaseName(epoch: number): string {
  return LEASE_PREFIX + String(epoch).padStart(10, '0');
}

export function encodeLease(record: LeaseRecord): Uint8Array {
  const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
  const { acquired, renewed, released } = record;
  const times = {
    acquired: iso(acquired),
    renewed: iso(renewed),
    ...(released === undefined ? {} : { released: iso(released) }),
  };
  return Buffer.from(`${JSON.stringify({ ...record, ...times }, undefined, 2)}\n`);
}

/** `undefined` for anything but a record of that epoch. */
export function decodeLease(bytes: Uint8Array, epoch: number): LeaseRecord | undefined {
  try {
    const record = leaseRecord.parse(JSON.parse(Buffer.from(bytes).toString()));
    return record.epoch === epoch ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The lease of the highest epoch, which alone decides, whatever its state; `undefined` when none was ever taken. */
export async function readLease(store: ObjectStore): Promise<StoredLease | undefined> {
  for (let attempt = 1; ; attempt++) {
    const newest = (await listLeases(store)).at(-1);
    if (newest === undefined) return undefined;
    const bytes = await readRecord(store, newest.name);
    if (bytes !== 'gone') return { ...newest, record: decodeLease(bytes, newest.epoch) };
    if (attempt === ATTEMPTS) throw unsettled(store);
  }
}

/** All lease objects, the highest epoch last. */
export async function listLeases(store: ObjectStore): Promise<Omit<StoredLease, 'record'>[]> {
  const found: Omit<StoredLease, 'record'>[] = [];
  for await (const { name, modified } of store.list(LEASE_PREFIX)) {
    const epoch = LEASE_NAME.exec(name)?.[1];
    if (epoch !== undefined) found.push({ name, epoch: Number(epoch), modified });
  }
  return found.sort((a, b) => a.epoch - b.epoch);
}

/** The error for a repository whose leases change faster than they can be read, or whose listing is out of date. */
export function unsettled(store: ObjectStore): LarderError {
  return new LarderError(
    'REPOSITORY_UNREACHABLE',
    `the lease of ${store.description} cannot be read: it keeps changing`,
    {
      hint: 'try again; should this stay, the store lists objects that it does not have',
    },
  );
}

/** Anything too large to be a record counts as an empty one, which cannot be decoded. */
async function readRecord(store: ObjectStore, name: string): Promise<Uint8Array | 'gone'> {
  try {
    return await store.get(name, LARGEST);
  } catch (error) {
    if (error instanceof LarderError && error.code === 'OBJECT_MISSING') return 'gone';
    if (error instanceof LarderError && error.code === 'OBJECT_DAMAGED') return new Uint8Array();
    throw error;
  }
}

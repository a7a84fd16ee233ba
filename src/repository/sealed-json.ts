import { createHash } from 'node:crypto';
import * as z from 'zod';
import { LarderError } from '../errors.ts';
import { FORMAT_VERSION } from './object-header.ts';

/** `formatVersion` of a stored record: this release's, or an older one's. */
export const formatVersion = z.number().int().min(1).max(FORMAT_VERSION);

/** Readable JSON as it is stored, with the SHA-256 of that JSON as one more member at the end. */
export function encodeSealedJson(record: object): Buffer {
  const sha256 = createHash('sha256')
    .update(JSON.stringify(record, null, 2))
    .digest('hex');
  return Buffer.from(`${JSON.stringify({ ...record, sha256 }, null, 2)}\n`, 'utf8');
}

/**
 * What was sealed; the schema is for the caller to check.
 * @param name of the object, for messages
 * @throws LarderError OBJECT_DAMAGED; REPOSITORY_NEWER_FORMAT
 */
export function decodeSealedJson(bytes: Uint8Array, name: string): Record<string, unknown> {
  const { sha256, ...rest } = parseJsonObject(bytes, name);
  const version = rest['formatVersion'];
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    throw new LarderError(
      'REPOSITORY_NEWER_FORMAT',
      `${name} has format ${version}; this release reads up to ${FORMAT_VERSION}`,
      {
        hint: 'Use the release of Larder that wrote it, or a later one.',
      },
    );
  }
  // compared whole, so that no byte can change, not even one that JSON would pass over
  if (sha256 === undefined || !encodeSealedJson(rest).equals(bytes)) {
    throw new LarderError('OBJECT_DAMAGED', `${name} does not agree with its own checksum`);
  }
  return rest;
}

/** The object that some bytes are the JSON of. Throws OBJECT_DAMAGED. */
export function parseJsonObject(bytes: Uint8Array, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // falls through: not JSON, or not an object, is the same damage
  }
  throw new LarderError('OBJECT_DAMAGED', `${name} is not a JSON object`);
}

import { readFile, rm, writeFile } from 'node:fs/promises';

/** What can become of a file. */
export const DAMAGES = {
  deleted: (path: string) => rm(path),
  flipped: async (path: string) => {
    const bytes = await readFile(path);
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 0x10, middle);
    await put(path, bytes);
  },
  truncated: async (path: string) => {
    const bytes = await readFile(path);
    await put(path, bytes.subarray(0, bytes.length >> 1));
  },
  zeroed: async (path: string) => put(path, Buffer.alloc((await readFile(path)).length)),
} as const satisfies Record<string, (path: string) => Promise<void>>;

export type Damage = keyof typeof DAMAGES;

/** A new file: copies of the directory may share the old one. */
async function put(path: string, bytes: Buffer): Promise<void> {
  await rm(path);
  await writeFile(path, bytes, { mode: 0o600 });
}

/** Damages a file and gives what puts it back as it was. */
export async function damage(path: string, how: Damage): Promise<() => Promise<void>> {
  const whole = await readFile(path);
  await DAMAGES[how](path);
  return async () => {
    await rm(path, { force: true });
    await writeFile(path, whole, { mode: 0o600 });
  };
}

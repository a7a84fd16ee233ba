import { once } from 'node:events';
import { createServer } from 'node:net';
import { LarderError, systemErrorCode } from '../errors.ts';

const ATTEMPTS = 100;

/**
 * The first port from `port` on that nobody listens on now; somebody else may take it before it is used. Throws
 * ADDRESS_IN_USE when a hundred are taken, and the system's error for a host that is not this machine's.
 */
export async function firstFreePort(host: string, port: number): Promise<number> {
  for (let candidate = port; candidate < port + ATTEMPTS; candidate++) {
    if (await isFree(host, candidate)) return candidate;
  }
  throw new LarderError('ADDRESS_IN_USE', `ports ${port} to ${port + ATTEMPTS - 1} of ${host} are all taken`);
}

async function isFree(host: string, port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, 'listening');
  } catch (error) {
    if (systemErrorCode(error) === 'EADDRINUSE') return false;
    throw error;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

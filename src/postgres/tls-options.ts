import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { LarderError } from '../errors.ts';
import type { TlsSettings } from './connection-settings.ts';

/**
 * Node's TLS options for libpq's sslmode: `verify-full` checks the signer and the host's name, `verify-ca` the signer
 * only, `require` the signer when a root certificate is given, the others nothing. Throws CONFIG_INVALID when a file
 * cannot be read.
 */
export async function tlsOptions(tls: TlsSettings): Promise<ConnectionOptions> {
  return {
    ...verification(tls),
    ...(tls.rootCertificateFile === undefined || tls.rootCertificateFile === 'system'
      ? {}
      : { ca: await readTlsFile('sslrootcert', tls.rootCertificateFile) }),
    ...(tls.certificateFile === undefined ? {} : { cert: await readTlsFile('sslcert', tls.certificateFile) }),
    ...(tls.keyFile === undefined ? {} : { key: await readTlsFile('sslkey', tls.keyFile) }),
  };
}

function verification(tls: TlsSettings): ConnectionOptions {
  switch (tls.mode) {
    case 'verify-full':
      return { rejectUnauthorized: true };
    case 'verify-ca':
      return { rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case 'require':
      // libpq's rule, kept since old configurations rely on it: with a root certificate it means verify-ca
      return {
        rejectUnauthorized: tls.rootCertificateFile !== undefined,
        checkServerIdentity: () => undefined,
      };
    case 'disable':
    case 'allow':
    case 'prefer':
      return { rejectUnauthorized: false };
  }
}

async function readTlsFile(keyword: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new LarderError('CONFIG_INVALID', `the file of ${keyword} cannot be read: ${path}`, {
      hint: `Put the file there and let the user Larder runs as read it, or change ${keyword}.`,
      cause: error,
    });
  }
}

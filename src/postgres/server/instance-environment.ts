/**
 * All the environment an instance gets: Larder's own holds passwords and keys, and every archive or restore command and
 * every extension of the server would inherit them.
 */
export const INSTANCE_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
};

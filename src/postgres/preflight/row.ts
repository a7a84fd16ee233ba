/** One line of the table that tells whether a server can be backed up. */
export interface PreflightRow {
  readonly name: string;
  /** `error` keeps backups from working; `unknown` means that this role may not see it. */
  readonly state: 'ok' | 'warning' | 'error' | 'unknown';
  readonly found: string;
  /** The exact SQL, setting or command that turns the row green; every warning and error has one. */
  readonly mend?: string;
}

/** The SQL that changes a setting; `restart` when the server reads it only at its start. */
export function alterSystem(setting: string, value: string, restart = false): string {
  const sql = `ALTER SYSTEM SET ${setting} = ${value};`;
  return restart ? `${sql} -- then restart the server` : `${sql} SELECT pg_reload_conf();`;
}

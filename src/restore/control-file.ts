/** Written by itself, last: without it no server starts on the directory. */
export const CONTROL_FILE = 'global/pg_control';

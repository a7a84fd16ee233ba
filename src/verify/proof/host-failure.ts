/** The log makes a tablespace, which takes the very directory that it had on the source: CREATE TABLESPACE during the backup. */
const NEW_TABLESPACE = /CONTEXT: {2}WAL redo at \S+ for Tablespace\/CREATE/;

/**
 * What PostgreSQL says when this host, and not the backup, keeps it from running: nothing can be told of the backup then.
 */
const HOST_FAILURES: readonly RegExp[] = [
  /No space left on device/,
  /Cannot allocate memory|out of memory/i,
  /could not (?:create|map|resize|open) (?:anonymous )?shared memory/,
  /could not create (?:lock file|any TCP\/IP sockets|Unix-domain socket)/,
  /could not create semaphores/,
  // a resource manager of an extension that is not installed here
  /resource manager with ID \d+ not registered/,
  /incompatible with server/,
  /Too many open files/,
  NEW_TABLESPACE,
];

/** Whether a line of the server's log, or an error of it, tells of this host rather than of the backup. */
export function isHostFailure(text: string): boolean {
  return HOST_FAILURES.some((failure) => failure.test(text));
}

/** What to do about a recovery that this host could not carry out; `undefined` where the server's own words are all there is. */
export function adviceFor(text: string): string | undefined {
  if (!NEW_TABLESPACE.test(text)) return undefined;
  return 'A tablespace was made while this backup was taken, and only the server it was taken of has its directory. A later backup can be proven.';
}

/** Whether an error of a login or a query tells of what this host lacks: then nothing is known of the data behind it. */
export function isHostsLack(message: string): boolean {
  return (
    isHostFailure(message) || missingLibrary(message) !== undefined || missingLocale(message) !== undefined
  );
}

/** What an error says when a library that an extension needs is not installed here. */
const MISSING_LIBRARY = /could not access file "([^"]+)"|could not load library "([^"]+)"/;

/** The library that an error misses; `undefined` for any other error. */
export function missingLibrary(message: string): string | undefined {
  const match = MISSING_LIBRARY.exec(message);
  return match?.[1] ?? match?.[2];
}

/** The locale that a database needs and this host does not have; `undefined` for any other error. */
export function missingLocale(message: string): string | undefined {
  const match =
    /with LC_(?:COLLATE|CTYPE) "?([^"]+?)"?, which is not recognized by setlocale/.exec(message) ??
    /(?:could not create locale|could not open collator for locale) "([^"]+)"/.exec(message) ??
    /database locale is incompatible with operating system/.exec(message);
  return match === null ? undefined : (match[1] ?? 'of the database');
}

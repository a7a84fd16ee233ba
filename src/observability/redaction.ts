const NAME =
  '(?:[\\w.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|credentials?|signature)|authorization|sig)';

/** `"password":"…"` and `"password":1234` */
const FIELD = new RegExp(`("${NAME}"\\s*:\\s*)(?:"(?:\\\\.|[^"\\\\])*"|[^\\s",{}\\[\\]]+)`, 'gi');
/** The same inside a string, where the quotes are escaped. */
const QUOTED_FIELD = new RegExp(`(\\\\"${NAME}\\\\"\\s*:\\s*\\\\")[^"\\\\]*`, 'gi');
/** `password=…` of libpq, query strings and environments, to the next space: a password may hold anything else. */
const ASSIGNMENT = new RegExp(
  `(\\b${NAME}\\s*=\\s*)(?:'(?:\\\\\\\\'|\\\\.|[^'"\\\\])*'|(?:\\\\.|[^\\s"\\\\])+)`,
  'gi',
);
/** `scheme://user:…@`, to the last @: a password may hold one. */
const URL_USERINFO = /([a-z][a-z0-9+.-]*:\/\/[^\s:@/"]*:)[^\s"]*@/gi;
const AUTHORIZATION = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;

/**
 * One JSON log line with everything that looks like a secret replaced by `***`: by the name of its field and by the
 * look of its value. Drivers quote connection strings in their errors; this is the last net under them, and it
 * rather takes too much.
 */
export function redact(line: string): string {
  return line
    .replace(FIELD, '$1"***"')
    .replace(QUOTED_FIELD, '$1***')
    .replace(ASSIGNMENT, '$1***')
    .replace(URL_USERINFO, '$1***@')
    .replace(AUTHORIZATION, '$1 ***');
}

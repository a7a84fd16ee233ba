import { dirname, isAbsolute, join, normalize, resolve } from 'node:path/posix';
import { pathFromBytes } from '../postgres/path-bytes.ts';

/** One line that sets one of them: name, optional equals sign, value in quotes or without (guc-file.l). */
const SETTING =
  /^\s*(data_directory|external_pid_file|log_directory)\s*(?:=\s*|\s+)(?:'((?:[^'\\]|''|\\.)*)'|([^\s#']+))/i;
const INCLUDE =
  /^\s*(include|include_if_exists|include_dir)\s*(?:=\s*|\s+)(?:'((?:[^'\\]|''|\\.)*)'|([^\s#']+))/i;

/**
 * Configuration that lies in the data directory may name places of the server that was backed up: its data directory, on which
 * a server that is started on the copy would then run, the file in which its number is looked for, the directory of its log. Such
 * lines become comments, but for one that names the copy's own directory, or a place in it.
 * @returns undefined where there is nothing to change
 */
export function withoutPlacesOfOriginal(text: string, directory: string): string | undefined {
  const lines = text.split('\n').map((line) => {
    const found = SETTING.exec(line);
    if (found === null || isOwn(found[1] ?? '', valueOf(found), directory)) return line;
    return `# ${line}  # taken out by larder when it restored: it is a place of the server that was backed up`;
  });
  const changed = lines.join('\n');
  return changed === text ? undefined : changed;
}

/** In quotes, or without; quotes in it stand twice, or behind a backslash. */
function valueOf(found: RegExpExecArray): string {
  return found.slice(2).join('').replaceAll("''", "'").replace(/\\(.)/g, '$1');
}

function isOwn(name: string, value: string, directory: string): boolean {
  // a relative data directory means whatever its server is started from
  if (name.toLowerCase() === 'data_directory') return value === directory;
  const place = resolve(directory, value);
  return place === directory || place.startsWith(`${directory}/`);
}

/**
 * The files that a configuration file includes, of those that there are; absolute ones lie elsewhere.
 * @param path of the including file, relative to the data directory like all others
 */
export function includedFiles(text: string, path: string, files: ReadonlySet<string>): string[] {
  return text.split('\n').flatMap((line) => {
    const found = INCLUDE.exec(line);
    if (found === null) return [];
    const value = valueOf(found);
    if (value === '' || isAbsolute(value)) return [];
    // names of files are UTF-8 where they are text; the configuration is read byte by byte
    const name = pathFromBytes(Buffer.from(value, 'latin1'));
    const included = normalize(join(dirname(path), name)).replace(/\/+$/, '');
    if (found[1]?.toLowerCase() !== 'include_dir') return files.has(included) ? [included] : [];
    return [...files].filter((file) => dirname(file) === included && file.endsWith('.conf'));
  });
}

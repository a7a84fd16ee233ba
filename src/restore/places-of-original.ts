/** One line that sets one of them: name, optional equals sign, value in quotes or without (guc-file.l). */
const PLACE = /^\s*(data_directory|external_pid_file)\s*(?:=\s*|\s+)(?:'((?:[^'\\]|''|\\.)*)'|([^\s#']+))/i;

/**
 * A postgresql.conf that lies in the data directory may name that very directory: a server that is started on the copy would
 * then run on the original, and write its number where the original's is looked for. Such lines become comments, but for one
 * that names the copy's own directory.
 * @returns undefined where there is nothing to change
 */
export function withoutPlacesOfOriginal(text: string, directory: string): string | undefined {
  let changed = false;
  const lines = text.split('\n').map((line) => {
    const found = PLACE.exec(line);
    if (found === null || (found[2] ?? found[3]) === directory) return line;
    changed = true;
    return `# ${line}  # taken out by larder when it restored: it is the place of the server that was backed up`;
  });
  return changed ? lines.join('\n') : undefined;
}

/** Every exit code and what it means; README.md has the same table. */
export const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [1, 'a fault of Larder itself'],
  [2, 'not understood, not built yet, or a bad configuration; nothing was touched'],
  [3, 'the server: unreachable, refused, or it failed'],
  [4, 'the repository: missing, full, damaged, or without that backup'],
  [5, 'somebody else is writing to the repository'],
  [6, 'a restore was refused or failed'],
  [
    7,
    'verification or a drill found damage, a drill missed its objectives, or the transaction log is not whole',
  ],
  [8, 'the server found damaged pages in its own data'],
  [9, 'a time limit was reached'],
  [10, 'nothing more was removed: the clock is wrong, backups fail, or something changed meanwhile'],
  [130, 'interrupted by a signal'],
];

/** The table as text for `--help`. */
export function exitCodesHelp(): string {
  const lines = EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`);
  return ['Exit codes:', ...lines].join('\n');
}

/** Prunes a repository of long ago: `node prune-program.ts <repository> <day>`; see `runOperation`. */
import { pruneAged } from '../retention/prune-aged.ts';
import { repositoryAt } from '../backup-runner.ts';
import { runOperation } from '../kills/operation.ts';

const [directory = '', on = ''] = process.argv.slice(2);

await runOperation(async (phase) => {
  await pruneAged(repositoryAt(directory), { on, onProgress: (progress) => phase(progress.phase) });
});

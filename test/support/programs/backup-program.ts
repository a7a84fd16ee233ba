/** Takes one full backup: `node backup-program.ts <connection> <repository>`; see `runOperation`. */
import { backUp, repositoryAt } from '../backup-runner.ts';
import { runOperation } from '../kills/operation.ts';

const [connection = '', directory = ''] = process.argv.slice(2);

await runOperation(async (phase) => {
  await backUp(repositoryAt(directory), connection, {
    // the lease of a process that was killed must be free at once
    leaseWait: 0,
    onProgress: (progress) => phase(progress.phase),
  });
});

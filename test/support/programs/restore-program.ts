/**
 * Restores one backup: `node restore-program.ts <repository> <id> <directory> <tablespace oid> <its directory> [delta]`; see
 * `runOperation`.
 */
import { readCommitRecord } from '../../../src/repository/catalogue.ts';
import { carryOut, planInto, repositoryAt } from '../backup-runner.ts';
import { runOperation } from '../kills/operation.ts';

const [directory = '', id = '', target = '', oid, space = '', delta] = process.argv.slice(2);

await runOperation(async (phase) => {
  phase('planning');
  const repository = repositoryAt(directory);
  const backup = await readCommitRecord(repository.store, id);
  const plan = await planInto(repository, backup, target, {
    tablespaces: new Map([[Number(oid), space]]),
    delta: delta === 'delta',
  });
  await carryOut(plan, { onProgress: (progress) => phase(progress.phase) });
});

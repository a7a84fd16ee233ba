/**
 * The arrows of docs/design.md, section 6. A folder may import what stands to its left:
 *
 *   storage, encryption, postgres ← repository ← backup, restore, transaction-log ← verify ← jobs ← scheduler ← http, cli
 *
 * Every rule has been broken once to see it fire.
 */
const above = (from, to, why) => ({
  name: `${from}-not-above`,
  comment: why,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: `^src/(${to.join('|')})(/|\\.ts$)` },
});
const vendor = (name, folder) => ({
  name: `vendor-${name.replace(/\W/g, '')}`,
  comment: `${name} is known to ${folder} only: one vendor, one folder.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^${folder}` },
  to: { path: `node_modules/${name}/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'src-not-test',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    above(
      '(storage|encryption|postgres)',
      [
        'repository',
        'backup',
        'restore',
        'transaction-log',
        'verify',
        'jobs',
        'scheduler',
        'observability',
        'http',
        'cli',
        'config',
        'demo',
        'daemon',
        'assemble',
        'main',
      ],
      'The ground floor knows bytes, keys and PostgreSQL, nothing of what is built on them.',
    ),
    {
      name: 'ground-floor-apart',
      comment: 'storage, encryption and postgres do not know each other.',
      severity: 'error',
      from: { path: '^src/(storage|encryption|postgres)/' },
      to: { path: '^src/(storage|encryption|postgres)/', pathNot: '^src/$1/' },
    },
    above(
      'repository',
      [
        'backup',
        'restore',
        'transaction-log',
        'verify',
        'jobs',
        'scheduler',
        'observability',
        'http',
        'cli',
        'config',
        'demo',
        'daemon',
        'assemble',
        'main',
      ],
      'The repository holds backups; it does not take, restore or check them.',
    ),
    above(
      '(backup|restore|transaction-log)',
      [
        'verify',
        'jobs',
        'scheduler',
        'observability',
        'http',
        'cli',
        'config',
        'demo',
        'daemon',
        'assemble',
        'main',
      ],
      'The verbs are driven from above.',
    ),
    {
      name: 'backup-restore-transaction-log-apart',
      severity: 'error',
      from: { path: '^src/(backup|restore|transaction-log)/' },
      to: { path: '^src/(backup|restore|transaction-log)/', pathNot: '^src/$1/' },
    },
    above(
      'verify',
      ['jobs', 'scheduler', 'observability', 'http', 'cli', 'config', 'demo', 'daemon', 'assemble', 'main'],
      'Verification is driven from above.',
    ),
    above(
      'jobs',
      ['scheduler', 'observability', 'http', 'cli', 'config', 'demo', 'daemon', 'assemble', 'main'],
      'A job does not know when or by whom it is run.',
    ),
    above(
      'scheduler',
      ['observability', 'http', 'cli', 'config', 'demo', 'daemon', 'assemble', 'main'],
      'The scheduler does not know who watches it.',
    ),
    {
      name: 'observability-by-assemble-only',
      comment: 'It listens to events; nobody calls it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(observability/|assemble\\.ts$|daemon\\.ts$)' },
      to: { path: '^src/observability/' },
    },
    {
      name: 'config-slices-are-handed-in',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(config|cli|demo)/|^src/(assemble|daemon|main)\\.ts$' },
      to: { path: '^src/config/' },
    },
    vendor('pg', 'src/postgres/'),
    vendor('fastify', 'src/http/'),
    vendor('croner', 'src/scheduler/schedule\\.ts'),
    vendor('prom-client', 'src/observability/'),
    vendor('pino', 'src/observability/'),
    vendor('commander', 'src/(cli/|main\\.ts)'),
    vendor('yaml', 'src/config/'),
    vendor('zod', 'src/(config|repository|http|scheduler|transaction-log)/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'] },
  },
};

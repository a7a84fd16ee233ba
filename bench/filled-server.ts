import { startBenchServer, type Bench, type BenchServer } from './server.ts';

export interface Filling {
  /** For the progress, and for the directory's name. */
  readonly what: string;
  readonly fill: (server: BenchServer) => Promise<void>;
  /** On top of those that every measured server has. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly report: (line: string) => void;
}

/** A server with something in it. */
export async function startFilled(
  bench: Bench,
  { what, fill, settings, report }: Filling,
): Promise<BenchServer> {
  report(`building a cluster with ${what}`);
  const server = await startBenchServer(bench, what.replace(/\W/g, ''), settings);
  try {
    await fill(server);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

import type { Clock } from './clock.ts';
import type { ClusterParts } from './cluster-parts.ts';
import { reportCluster } from './cluster-report.ts';
import type { Config } from './config/config.ts';
import { pickCluster } from './pick-cluster.ts';
import { clusterListPage } from './report/page/cluster-list-page.ts';
import { reportPage } from './report/page/report-page.ts';
import type { History } from './scheduler/history.ts';

/** Somebody who reloads the page must not have the repository listed again and again. Milliseconds. */
const KEPT = 30_000;
const PERIOD = 30 * 86_400_000;

interface Page {
  readonly made: number;
  readonly text: Promise<string>;
}

/** The pages of the service's clusters, each made at most every half minute, and once for all who ask at the same time. */
export class ReportPages {
  readonly #clusters: readonly ClusterParts[];
  readonly #service: Pick<Config, 'report' | 'stateDirectory'> & { readonly history: History };
  readonly #context: { readonly larderVersion: string; readonly clock: Clock };
  readonly #pages = new Map<string, Page>();

  constructor(
    clusters: readonly ClusterParts[],
    service: Pick<Config, 'report' | 'stateDirectory'> & { readonly history: History },
    context: { readonly larderVersion: string; readonly clock: Clock },
  ) {
    this.#clusters = clusters;
    this.#service = service;
    this.#context = context;
  }

  /** Of the named cluster; without a name of the only one, or the list of them. Rejects with CLUSTER_UNKNOWN. */
  async page(name: string | undefined): Promise<string> {
    if (name === undefined && this.#clusters.length > 1)
      return clusterListPage(this.#clusters.map(({ config }) => config.name));
    const cluster = pickCluster(this.#clusters, name);
    const now = this.#context.clock.monotonic();
    const known = this.#pages.get(cluster.config.name);
    if (known !== undefined && now - known.made < KEPT) return known.text;
    const text = this.#make(cluster);
    this.#pages.set(cluster.config.name, { made: now, text });
    // one that failed is made anew at the next request
    text.catch(() => this.#pages.delete(cluster.config.name));
    return text;
  }

  async #make(cluster: ClusterParts): Promise<string> {
    const { history, ...service } = this.#service;
    const openHistory = (): Promise<History> => Promise.resolve(history);
    const signal = new AbortController().signal;
    const context = { ...this.#context, period: PERIOD, signal };
    return reportPage(await reportCluster(cluster, { ...service, openHistory }, context));
  }
}

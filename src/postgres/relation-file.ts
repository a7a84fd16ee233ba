/** A relation by the numbers its files are named with (RelFileLocator). */
export interface RelationLocator {
  readonly tablespace: number;
  /** 0 for relations that all databases share. */
  readonly database: number;
  readonly relation: number;
}

/** One file of a relation. */
export interface RelationSegment extends RelationLocator {
  /** Its number in the server (`ForkNumber`): 0 the relation itself, 1 free space map, 2 visibility map, 3 init fork. */
  readonly fork: number;
  /** Which of the files that a large relation is cut into, from 0 on. */
  readonly segment: number;
}

export const DEFAULT_TABLESPACE = 1663;
export const GLOBAL_TABLESPACE = 1664;

const FORKS = ['', '_fsm', '_vm', '_init'];
const PATH =
  /^(?:global|base\/(\d+)|pg_tblspc\/(\d+)\/PG_[^/]+\/(\d+))\/(?:INCREMENTAL\.)?(\d+)(_fsm|_vm|_init)?(?:\.(\d+))?$/;

/** Reads the path of a file of the cluster, or of changes to it; `undefined` for one that is no relation's. */
export function parseRelationPath(path: string): RelationSegment | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [, inDefault, tablespace, inTablespace, relation, fork = '', segment = '0'] = match;
  const elsewhere = inDefault === undefined ? GLOBAL_TABLESPACE : DEFAULT_TABLESPACE;
  return {
    tablespace: tablespace === undefined ? elsewhere : Number(tablespace),
    database: Number(inDefault ?? inTablespace ?? 0),
    relation: Number(relation),
    fork: FORKS.indexOf(fork),
    segment: Number(segment),
  };
}

/** The same text for the same file, for sets and maps. */
export function relationSegmentKey(file: RelationSegment): string {
  const { tablespace, database, relation, fork, segment } = file;
  return `${tablespace}/${database}/${relation}/${fork}/${segment}`;
}

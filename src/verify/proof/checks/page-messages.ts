import type { PageProblem } from '../../../postgres/page-checksum.ts';
import type { ErrorMessage } from '../../../worker-thread.ts';

/** One file of a relation, to be read by a thread. */
export interface PageRequest {
  readonly file: number;
  readonly path: string;
  /** The number of its first page within the relation. */
  readonly firstBlock: number;
  readonly checksums: boolean;
}

export type PageAnswer =
  | {
      readonly kind: 'done';
      readonly file: number;
      readonly pages: number;
      readonly bytes: number;
      /** The first ones that are not as they should be, by their number within the relation. */
      readonly problems: readonly { readonly block: number; readonly problem: PageProblem }[];
      readonly problemCount: number;
    }
  | { readonly kind: 'failed'; readonly error: ErrorMessage };

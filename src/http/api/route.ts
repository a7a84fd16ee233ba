import * as z from 'zod';
import type { TokenScope } from '../tokens.ts';

/** Who calls, as far as is known. */
export interface Caller {
  /** As the audit trail names them: `token:<name>`, `user:<account>` for a command of this machine, or `anonymous`. */
  readonly actor: string;
  /** Where the connection comes from. */
  readonly address: string;
}

/** What a handler is given: everything in it was checked. */
export interface ApiRequest<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
}

type Status = 200 | 202;

/** One route of `/api/v1`: what it checks, what it answers and what it does; the description is made of the same. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  /** Behind `/api/v1`, parameters as `:name`. */
  readonly path: string;
  readonly scope: TokenScope;
  readonly summary: string;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: z.ZodType;
  readonly response: z.ZodType;
  /** The answer's status when all goes well, with what it means. */
  readonly statuses: Partial<Record<Status, string>>;
  /** Which of them it is. */
  readonly statusOf: (answer: never) => Status;
  readonly handle: (request: ApiRequest<never, never, never>) => Promise<unknown>;
}

const NOTHING = z.strictObject({});

interface RouteParts<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Response extends z.ZodType,
> {
  readonly method: ApiRoute['method'];
  readonly path: string;
  readonly scope: TokenScope;
  readonly summary: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly response: Response;
  readonly statuses?: ApiRoute['statuses'];
  readonly statusOf?: (answer: z.input<Response>) => Status;
  readonly handle: (
    request: ApiRequest<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => Promise<z.input<Response>>;
}

/** A route whose handler is typed by its schemas; what is not named must be empty, and its status is 200. */
export function route<
  Response extends z.ZodType,
  Params extends z.ZodType = typeof NOTHING,
  Query extends z.ZodType = typeof NOTHING,
  Body extends z.ZodType = typeof NOTHING,
>(parts: RouteParts<Params, Query, Body, Response>): ApiRoute {
  const { params = NOTHING, query = NOTHING, body = NOTHING } = parts;
  const { statuses = { 200: 'done' }, statusOf = () => 200 } = parts;
  return { ...parts, params, query, body, statuses, statusOf };
}

/** Ids and names: nothing that means anything in a path. */
export const nameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

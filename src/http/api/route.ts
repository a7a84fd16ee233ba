import * as z from 'zod';
import type { ApiToken, TokenScope } from '../tokens.ts';

/** What a handler is given: everything in it was checked. */
export interface ApiRequest<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Undefined where none is needed: reading on a loopback address. */
  readonly token: ApiToken | undefined;
}

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
  /** The answer's status when all goes well. */
  readonly status: 200 | 202;
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
  readonly status?: ApiRoute['status'];
  readonly handle: (
    request: ApiRequest<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => Promise<z.input<Response>>;
}

/** A route whose handler is typed by its schemas; what is not named must be empty. */
export function route<
  Response extends z.ZodType,
  Params extends z.ZodType = typeof NOTHING,
  Query extends z.ZodType = typeof NOTHING,
  Body extends z.ZodType = typeof NOTHING,
>(parts: RouteParts<Params, Query, Body, Response>): ApiRoute {
  const { params = NOTHING, query = NOTHING, body = NOTHING, status = 200 } = parts;
  return { ...parts, params, query, body, status };
}

/** Ids and names: nothing that means anything in a path. */
export const nameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../clock.ts';
import { LarderError, type ErrorCode } from '../../errors.ts';
import { USER_HEADER } from '../command-header.ts';
import { FailedLogins } from '../failed-logins.ts';
import { isFromHere } from '../host-allowlist.ts';
import { allows, findToken, type ApiToken, type TokenScope } from '../tokens.ts';
import { openApi } from './openapi.ts';
import type { ApiRoute, Caller } from './route.ts';

export interface ApiParts {
  readonly routes: readonly ApiRoute[];
  readonly tokens: readonly ApiToken[];
  /** The token of commands of this machine, which no other machine may use; undefined: there is none. */
  readonly localToken?: ApiToken | undefined;
  /** Whether reading needs no token: the service is bound to this machine only. Writing always needs one. */
  readonly openForReading: boolean;
  readonly version: string;
  readonly clock: Clock;
  /** Told of errors that the client is not told of. */
  readonly requestFailed: (error: unknown) => void;
}

/** What the API answers to errors that the client can do something about. */
const STATUSES: Partial<Record<ErrorCode, number>> = {
  USAGE: 400,
  BACKUP_UNKNOWN: 404,
  CLUSTER_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  LEASE_HELD: 409,
  RUN_OVER: 409,
  INTERRUPTED: 503,
  NOT_BUILT_YET: 501,
  REPOSITORY_UNREACHABLE: 503,
  REPOSITORY_MISSING: 503,
  SERVER_UNREACHABLE: 503,
};

/** Serves the routes below `/api/v1`, and their description at `/api/v1/openapi.json`. */
export function serveApi(server: FastifyInstance, parts: ApiParts): void {
  const failures = new FailedLogins();
  const description = openApi(parts.routes, parts.version);
  server.get('/api/v1/openapi.json', (_request, reply) => reply.send(description));
  for (const route of parts.routes) {
    server.route({
      method: route.method,
      url: `/api/v1${route.path}`,
      // before a body is read that nobody may send
      onRequest: async (request, reply) => {
        const verdict = judge(request, route.scope, { parts, failures });
        if (verdict !== undefined) return refuse(reply, verdict);
        return undefined;
      },
      handler: (request, reply) => answer(route, { request, reply, parts }),
    });
  }
}

interface Refusal {
  readonly status: number;
  readonly error: string;
}

function judge(
  request: FastifyRequest,
  scope: TokenScope,
  { parts, failures }: { readonly parts: ApiParts; readonly failures: FailedLogins },
): Refusal | undefined {
  const { tokens, openForReading, clock } = parts;
  const header = request.headers.authorization;
  if (header === undefined && scope === 'read' && openForReading) return undefined;
  const now = clock.monotonic();
  if (failures.isBlocked(request.ip, now)) return { status: 429, error: 'too many failed logins' };
  const token = tokenOf(request, parts);
  if (token === undefined) {
    if (header !== undefined) failures.failed(request.ip, now);
    return tokens.length === 0 ? CLOSED : { status: 401, error: 'a valid token is needed' };
  }
  return allows(token, scope) ? undefined : { status: 403, error: `the token does not allow to ${scope}` };
}

const CLOSED: Refusal = {
  status: 403,
  error: 'no token is configured (http.tokens): this route is closed',
};

function tokenOf(request: FastifyRequest, { tokens, localToken }: ApiParts): ApiToken | undefined {
  const { remoteAddress, localAddress } = request.socket;
  const isCommand = localToken !== undefined && isFromHere(remoteAddress, localAddress);
  return findToken(isCommand ? [...tokens, localToken] : tokens, request.headers.authorization);
}

/** A command of this machine says whose it is: whoever has its token could write the audit trail as well. */
function callerOf(request: FastifyRequest, parts: ApiParts): Caller {
  const token = tokenOf(request, parts);
  const user = request.headers[USER_HEADER];
  const isCommand = token !== undefined && token === parts.localToken;
  const person = isCommand && typeof user === 'string' && USER.test(user) ? `user:${user}` : undefined;
  const actor = person ?? (token === undefined ? 'anonymous' : `token:${token.name}`);
  return { actor, address: request.ip };
}

const USER = /^[\w.@\\-][\w.@\\ -]{0,63}$/;

async function answer(
  route: ApiRoute,
  { request, reply, parts }: { request: FastifyRequest; reply: FastifyReply; parts: ApiParts },
): Promise<FastifyReply> {
  const params = route.params.safeParse(request.params ?? {});
  const query = route.query.safeParse(request.query ?? {});
  const body = route.body.safeParse(request.body ?? {});
  if (!params.success || !query.success || !body.success) {
    const issue = [params, query, body].flatMap(({ error }) => error?.issues ?? [])[0];
    return refuse(reply, {
      status: 400,
      error: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`,
    });
  }
  try {
    const caller = callerOf(request, parts);
    const given = { params: params.data, query: query.data, body: body.data, caller };
    const found = route.response.parse(await route.handle(given as never));
    return await reply.code(route.statusOf(found as never)).send(found);
  } catch (error) {
    return refuseError(reply, error, parts);
  }
}

function refuseError(reply: FastifyReply, error: unknown, { requestFailed }: ApiParts): FastifyReply {
  const status = error instanceof LarderError ? STATUSES[error.code] : undefined;
  if (status === undefined || !(error instanceof LarderError)) {
    requestFailed(error);
    return refuse(reply, { status: 500, error: 'internal error' });
  }
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return reply.code(status).send({ error: error.message, code: error.code, ...hint });
}

function refuse(reply: FastifyReply, { status, error }: Refusal): FastifyReply {
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="larder"');
  return reply.code(status).send({ error });
}

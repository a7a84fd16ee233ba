import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../../clock.ts';
import { LarderError } from '../../errors.ts';
import { FailedLogins } from '../failed-logins.ts';
import { allows, findToken, type ApiToken } from '../tokens.ts';

/** The page for people; whoever may read the API may see it. */
export interface ReportPageParts {
  /** Of the named cluster; without a name of the only one, or a list of them. Rejects with CLUSTER_UNKNOWN. */
  readonly page: (cluster: string | undefined) => Promise<string>;
  /** The page's content security policy. */
  readonly policy: string;
  readonly tokens: readonly ApiToken[];
  /** Whether no token is needed: the service is bound to this machine only. */
  readonly open: boolean;
  readonly clock: Clock;
}

/** `GET /`, and `GET /?cluster=NAME` where there are several. It changes nothing. */
export function reportPageRoute(server: FastifyInstance, parts: ReportPageParts): void {
  const failures = new FailedLogins();
  server.get('/', async (request, reply) => {
    const refusal = judge(request, parts, failures);
    if (refusal !== undefined) {
      if (refusal === 401) void reply.header('www-authenticate', 'Basic realm="larder", charset="UTF-8"');
      return reply.code(refusal).send({ error: REFUSALS[refusal] });
    }
    void reply.headers({ 'content-security-policy': parts.policy, 'referrer-policy': 'no-referrer' });
    try {
      return await reply.type('text/html; charset=utf-8').send(await parts.page(clusterOf(request)));
    } catch (error) {
      if (!(error instanceof LarderError) || error.code !== 'CLUSTER_UNKNOWN') throw error;
      return reply.code(404).type('application/json').send({ error: 'there is no such cluster' });
    }
  });
}

const REFUSALS = {
  401: 'a valid token is needed: as the password of any user name, or as a bearer token',
  403: 'this page is closed to you: configure a token (http.tokens) that may read',
  429: 'too many failed logins',
} as const;

function judge(
  request: FastifyRequest,
  { tokens, open, clock }: ReportPageParts,
  failures: FailedLogins,
): keyof typeof REFUSALS | undefined {
  if (open) return undefined;
  if (tokens.length === 0) return 403;
  const now = clock.monotonic();
  if (failures.isBlocked(request.ip, now)) return 429;
  const header = bearerOf(request.headers.authorization);
  const token = findToken(tokens, header);
  if (token !== undefined) return allows(token, 'read') ? undefined : 403;
  if (header !== undefined) failures.failed(request.ip, now);
  return 401;
}

/** A browser asks its user for a name and a password: the password is the token. */
function bearerOf(header: string | undefined): string | undefined {
  const basic = /^Basic ([A-Za-z0-9+/=]{1,600})$/i.exec(header ?? '')?.[1];
  if (basic === undefined) return header;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  return `Bearer ${text.slice(text.indexOf(':') + 1)}`;
}

function clusterOf({ query }: FastifyRequest): string | undefined {
  const { cluster } = query as { cluster?: unknown };
  return typeof cluster === 'string' && cluster !== '' ? cluster : undefined;
}

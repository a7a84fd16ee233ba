import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LarderError, systemErrorCode } from '../errors.ts';
import { serveApi, type ApiParts } from './api/serve-api.ts';
import { isHostAllowed, isLoopback } from './host-allowlist.ts';
import type { HealthView } from './routes/health.ts';
import { healthRoutes } from './routes/health.ts';
import type { MetricsSource } from './routes/metrics.ts';
import { metricsRoute } from './routes/metrics.ts';
import { reportPageRoute, type ReportPageParts } from './routes/report-page.ts';

export interface HttpParts {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly health: () => HealthView;
  readonly metrics: MetricsSource;
  /** What `/api/v1` serves; undefined: there is none. */
  readonly api?: Omit<ApiParts, 'openForReading' | 'requestFailed'>;
  /** The page at `/`; undefined: there is none. */
  readonly report?: Omit<ReportPageParts, 'open'>;
  /** Called with errors behind an answer of 500: the client is not told. */
  readonly requestFailed: (error: unknown) => void;
}

/** The HTTP service: health, metrics, the API, and a page for people. Its answers repeat nothing that was sent and show no stack. */
export class HttpServer {
  readonly #parts: HttpParts;
  readonly #server: FastifyInstance;

  constructor(parts: HttpParts) {
    this.#parts = parts;
    this.#server = newServer();
    guard(this.#server, parts);
    healthRoutes(this.#server, parts.health);
    metricsRoute(this.#server, parts.metrics);
    const { api, report, host, requestFailed } = parts;
    if (report !== undefined) reportPageRoute(this.#server, { ...report, open: isLoopback(host) });
    if (api !== undefined)
      serveApi(this.#server, { ...api, openForReading: isLoopback(host), requestFailed });
  }

  /** Resolves when it listens. Throws ADDRESS_IN_USE or CONFIG_INVALID. */
  async start(): Promise<void> {
    const { host, port } = this.#parts;
    try {
      await this.#server.listen({ host, port });
    } catch (error) {
      throw cannotListen(host, port, error);
    }
  }

  /** The port it listens on. */
  get port(): number {
    const address = this.#server.server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#parts.port;
  }

  /** Closes the socket and every connection. */
  async stop(): Promise<void> {
    await this.#server.close();
  }
}

function newServer(): FastifyInstance {
  const server = fastify({
    logger: false,
    trustProxy: false,
    bodyLimit: 64 * 1024,
    connectionTimeout: 15_000,
    requestTimeout: 10_000,
    handlerTimeout: 10_000,
    keepAliveTimeout: 5_000,
    http: { headersTimeout: 5_000 },
    // an idle scraper must not hold up a shutdown
    forceCloseConnections: true,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    frameworkErrors: (_error, _request, reply) => void refuse(reply as FastifyReply, 400),
  });
  // what a form of a foreign page can send without asking; bodies are JSON and nothing else
  server.removeContentTypeParser('text/plain');
  return server;
}

function guard(server: FastifyInstance, { host, requestFailed }: HttpParts): void {
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    if (!isHostAllowed(host, request.headers.host)) return refuse(reply, 421);
    // here, before a body is read that nobody wants
    if (request.is404) return notFound(server, request, reply);
    return undefined;
  });
  server.setNotFoundHandler((request, reply) => notFound(server, request, reply));
  server.setErrorHandler((error, _request, reply) => {
    const status = clientErrorStatus(error);
    if (status === undefined) requestFailed(error);
    return refuse(reply, status ?? (isTimeout(error) ? 503 : 500));
  });
}

function notFound(server: FastifyInstance, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?')[0] ?? '';
  const allowed = (['GET', 'HEAD', 'POST'] as const).filter((method) =>
    server.hasRoute({ method, url: path }),
  );
  if (allowed.length === 0) return refuse(reply, 404);
  return refuse(reply.header('allow', allowed.join(', ')), 405);
}

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'bad request',
  404: 'not found',
  405: 'method not allowed',
  413: 'the body is too large',
  415: 'the body must be application/json',
  421: 'this host name is not served here',
  500: 'internal error',
  503: 'it took too long',
};

function refuse(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).send({ error: REFUSALS[status] ?? 'refused' });
}

/** Fastify's own, of a handler that took longer than `handlerTimeout`. */
function isTimeout(error: unknown): boolean {
  return systemErrorCode(error) === 'FST_ERR_HANDLER_TIMEOUT';
}

function clientErrorStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number')
    return undefined;
  return error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : undefined;
}

function cannotListen(host: string, port: number, cause: unknown): LarderError {
  if (systemErrorCode(cause) === 'EADDRINUSE') {
    return new LarderError('ADDRESS_IN_USE', `cannot listen on ${host} port ${port}: another process does`, {
      hint: 'Stop the other process, perhaps a second Larder, or choose another http.port.',
      cause,
    });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LarderError('CONFIG_INVALID', `cannot listen on ${host} port ${port}: ${why}`, {
    hint: 'Set http.host to an address of this machine and http.port to a port that may be used.',
    cause,
  });
}

import type { FastifyInstance, FastifyReply } from 'fastify';

/** The verdict that the routes answer from; whatever else it holds is shown at /health. */
export interface HealthView {
  readonly status: 'ok' | 'degraded' | 'failing';
  readonly service: 'running' | 'stopping';
  readonly live: boolean;
  readonly objectivesMet: boolean;
}

/**
 * - `/health`: the whole verdict; 200 while the service works, also while an objective is broken: an orchestrator
 *   that restarts the container for a failed backup would kill the next attempt.
 * - `/health/live`: 503 when a restart may help.
 * - `/health/ready`: 503 while stopping.
 * - `/health/backup`: 503 while it is not known that the newest backup is good and young enough.
 */
export function healthRoutes(server: FastifyInstance, health: () => HealthView): void {
  server.get('/health', (_request, reply) => {
    const view = health();
    return reply.code(works(view) ? 200 : 503).send(view);
  });
  server.get('/health/live', (_request, reply) => answer(reply, health().live));
  server.get('/health/ready', (_request, reply) => answer(reply, works(health())));
  server.get('/health/backup', (_request, reply) => answer(reply, health().objectivesMet));
}

function works({ live, service }: HealthView): boolean {
  return live && service === 'running';
}

function answer(reply: FastifyReply, good: boolean): FastifyReply {
  return reply.code(good ? 200 : 503).send({ status: good ? 'ok' : 'failing' });
}

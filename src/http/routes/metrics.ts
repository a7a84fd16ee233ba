import type { FastifyInstance } from 'fastify';

export interface MetricsSource {
  readonly contentType: string;
  readonly text: () => Promise<string>;
}

export function metricsRoute(server: FastifyInstance, metrics: MetricsSource): void {
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}

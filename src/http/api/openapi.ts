import * as z from 'zod';
import type { ApiRoute } from './route.ts';

type Schema = Record<string, unknown>;

/** The OpenAPI 3.1 description of the routes, from the schemas that check them. */
export function openApi(routes: readonly ApiRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = `/api/v1${route.path.replace(/:(\w+)/g, '{$1}')}`;
    (paths[path] ??= {})[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Larder', version, description: 'Backups of PostgreSQL: what there is, and what to do.' },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
  };
}

function operation(route: ApiRoute): object {
  const { params, query, body, response, statuses, scope, summary } = route;
  const content = (schema: z.ZodType): object => ({ 'application/json': { schema: schemaOf(schema) } });
  return {
    summary,
    'x-scope': scope,
    parameters: [...parameters(params, 'path'), ...parameters(query, 'query')],
    ...(takesBody(route) ? { requestBody: { required: true, content: content(body) } } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(statuses).map(([status, description]) => [
          status,
          { description, content: content(response) },
        ]),
      ),
      ...Object.fromEntries(REFUSALS.map((each) => [each, { description: 'refused', content: ERROR }])),
    },
  };
}

function takesBody({ method, body }: ApiRoute): boolean {
  return method === 'POST' && Object.keys(schemaOf(body)['properties'] ?? {}).length > 0;
}

const REFUSALS = [400, 401, 403, 404, 409, 413, 415, 429, 500, 503];
const ERROR = {
  'application/json': {
    schema: {
      type: 'object',
      properties: { error: { type: 'string' }, code: { type: 'string' }, hint: { type: 'string' } },
      required: ['error'],
    },
  },
};

function parameters(schema: z.ZodType, place: 'path' | 'query'): object[] {
  const { properties = {}, required = [] } = schemaOf(schema) as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, each]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: each,
  }));
}

function schemaOf(schema: z.ZodType): Schema {
  const whole = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Object.fromEntries(Object.entries(whole).filter(([key]) => key !== '$schema'));
}

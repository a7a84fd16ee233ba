import { LarderError, isErrorCode } from '../errors.ts';
import { USER_HEADER } from '../http/command-header.ts';
import { readLocalService, type LocalService } from '../http/local-service.ts';
import type { CliParts } from './cli-parts.ts';
import { whoAmI } from './person.ts';

interface Asked {
  readonly method?: 'POST';
  readonly body?: string;
}

/** The API of the service that runs on this machine and on the configured state directory. */
export class ServiceClient {
  readonly #service: LocalService;
  readonly #signal: AbortSignal;

  private constructor(service: LocalService, signal: AbortSignal) {
    this.#service = service;
    this.#signal = signal;
  }

  /** Throws SERVICE_UNREACHABLE where none runs, and STATE_NOT_WRITABLE where this account may not ask it. */
  static async open({ loadConfig, signal }: CliParts): Promise<ServiceClient> {
    const { stateDirectory } = await loadConfig();
    const service = await readLocalService(stateDirectory);
    if (service === undefined) throw unreachable(`no service runs on ${stateDirectory}`);
    return new ServiceClient(service, signal);
  }

  /** Throws what the service answers, and SERVICE_UNREACHABLE. */
  get(path: string): Promise<unknown> {
    return this.#ask(path, {});
  }

  /** Throws what the service answers, and SERVICE_UNREACHABLE. */
  post(path: string, body: object): Promise<unknown> {
    return this.#ask(path, { method: 'POST', body: JSON.stringify(body) });
  }

  async #ask(path: string, request: Asked): Promise<unknown> {
    const { url, token } = this.#service;
    const headers = { authorization: `Bearer ${token}`, [USER_HEADER]: whoAmI().user };
    let response: Response;
    try {
      response = await fetch(`${url}/api/v1${path}`, {
        ...request,
        headers: request.body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        redirect: 'error',
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
      });
    } catch (error) {
      this.#signal.throwIfAborted();
      throw unreachable(`the service at ${url} does not answer`, error);
    }
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    throw refusal(url, response.status, answer);
  }
}

/** The service gives up on a request after ten seconds itself. */
const ANSWER_WITHIN_MS = 15_000;

function unreachable(message: string, cause?: unknown): LarderError {
  return new LarderError('SERVICE_UNREACHABLE', message, {
    hint: 'Start it: "larder daemon" or "larder start". Without it, "larder backup", "verify", "prune" and "wal seal" do their work themselves.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function refusal(url: string, status: number, answer: unknown): LarderError {
  const { error, code, hint } = (answer ?? {}) as Partial<Record<string, unknown>>;
  if (status === 401 || status === 403) {
    return unreachable(`what answers at ${url} is not the service of this state directory`);
  }
  const known = typeof code === 'string' && isErrorCode(code) ? code : status === 400 ? 'USAGE' : 'INTERNAL';
  const text = typeof error === 'string' ? error : `the service answered ${status}`;
  return new LarderError(known, text, typeof hint === 'string' ? { hint } : {});
}

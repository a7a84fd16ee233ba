import type { Finding } from '../report.ts';

/** What a comparison came to: findings fail a proof, exceptions are what nobody can tell, and neither is a pass. */
export interface FingerprintAnswer {
  readonly findings: readonly Finding[];
  /** A sentence each. */
  readonly exceptions: readonly string[];
  /** What was compared, in words. */
  readonly detail: string;
}

/** More of the same say no more; how many there are is said. */
const MOST_SENTENCES = 50;

/** Gathers an answer. */
export class AnswerBuilder {
  readonly #findings: string[] = [];
  readonly #exceptions: string[] = [];

  finding(sentence: string): void {
    this.#findings.push(sentence);
  }

  exception(sentence: string): void {
    this.#exceptions.push(sentence);
  }

  finish(detail: string): FingerprintAnswer {
    return {
      findings: bounded(this.#findings).map((message) => ({ code: 'VERIFICATION_FAILED', message })),
      exceptions: bounded(this.#exceptions),
      detail,
    };
  }
}

function bounded(sentences: readonly string[]): readonly string[] {
  if (sentences.length <= MOST_SENTENCES) return sentences;
  const more = sentences.length - MOST_SENTENCES;
  return [...sentences.slice(0, MOST_SENTENCES), `and ${more} more of the kind`];
}

/** `3 tables`, `1 table`. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  const plural = noun.endsWith('x') ? `${noun}es` : `${noun}s`;
  return `${count} ${plural}`;
}

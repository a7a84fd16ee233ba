import * as z from 'zod';
import { LarderError } from '../errors.ts';
import { didYouMean } from '../nearest-key.ts';
import { configSchema } from './schema.ts';

/** One thing wrong with the configuration, as a line of text. */
export interface Problem {
  readonly text: string;
  /** It is understood, and does not exist yet. */
  readonly notBuilt: boolean;
}

/** The text of anything thrown, as problems: one for each of its lines. */
export function problemsOf(thrown: unknown, label?: string): readonly Problem[] {
  if (!(thrown instanceof LarderError)) throw thrown;
  const prefix = label === undefined ? '' : `${label}: `;
  const hint = thrown.hint === undefined ? '' : ` (${thrown.hint.replace(/\.$/, '')})`;
  const notBuilt = thrown.code === 'NOT_BUILT_YET';
  return thrown.message.split('\n').map((line) => ({ text: `${prefix}${line}${hint}`, notBuilt }));
}

/** What the schema found; `label` names a place as the user knows it: a variable or a key of the file. */
export function problemsOfIssue(
  issue: z.core.$ZodIssue,
  label: (path: readonly string[]) => string,
): readonly Problem[] {
  const path = issue.path.map(String);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) =>
        problem(`${[...path, key].join('.')}: unknown key${didYouMean(key, keysAt(path))}`),
      );
    case 'invalid_type':
      return [
        problem(
          `${label(path)}: expected ${['object', 'record'].includes(issue.expected) ? 'nested keys' : issue.expected}`,
        ),
      ];
    case 'invalid_key':
      return [problem(`${label(path)}: ${issue.issues[0]?.message ?? issue.message}`)];
    default: {
      const notBuilt = issue.code === 'custom' && issue.params?.['notBuilt'] === true;
      return [{ text: `${label(path)}: ${issue.message}`, notBuilt }];
    }
  }
}

/** All problems as one error; NOT_BUILT_YET when nothing else is wrong. */
export function configurationError(problems: readonly Problem[]): LarderError {
  const code = problems.every((each) => each.notBuilt) ? 'NOT_BUILT_YET' : 'CONFIG_INVALID';
  const [only, second] = problems;
  const message =
    only !== undefined && second === undefined
      ? `the configuration cannot be used: ${only.text}`
      : ['the configuration cannot be used:', ...problems.map((each) => `  ${each.text}`)].join('\n');
  return new LarderError(code, message, {
    hint: 'config/larder.example.yaml explains every key, its default and its environment variable.',
  });
}

function problem(text: string): Problem {
  return { text, notBuilt: false };
}

/** The keys that may stand below a path of the file. */
function keysAt(path: readonly string[]): readonly string[] {
  let schema: unknown = configSchema;
  for (const key of path) {
    if (schema instanceof z.ZodRecord) schema = schema.valueType;
    else if (schema instanceof z.ZodObject) schema = (schema.shape as Record<string, unknown>)[key];
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

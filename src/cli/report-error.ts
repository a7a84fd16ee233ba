import type { LarderError } from '../errors.ts';

/** An error for people: what happened, its code, and what to do. A fault of ours comes with its stack. */
export function errorText(error: LarderError): string {
  const lines = [`larder: ${error.message} [${error.code}]`];
  if (error.hint !== undefined) lines.push(indented(error.hint));
  if (error.code === 'INTERNAL') lines.push(indented(faultText(error)));
  return `${lines.join('\n')}\n`;
}

/** An error for programs: one line of JSON. */
export function errorJson({ code, message, hint }: LarderError): string {
  return `${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`;
}

function faultText(error: LarderError): string {
  const origin = error.cause instanceof Error ? error.cause : error;
  return `This is a fault of Larder: please report it with what follows.\n${origin.stack ?? origin.message}`;
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}

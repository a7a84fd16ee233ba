import type { ReceiverNotice } from '../transaction-log/receiver-request.ts';
import { printable } from '../format.ts';

/** One line for what happened and one for what to do. */
export function noticeText({ level, text, hint }: ReceiverNotice, now: number): string {
  const lines = [`${new Date(now).toISOString()} ${level === 'info' ? '' : `${level}: `}${printable(text)}`];
  if (hint !== undefined) lines.push(`  ${printable(hint)}`);
  return `${lines.join('\n')}\n`;
}

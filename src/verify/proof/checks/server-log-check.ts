import { copyFinding, type Answer } from '../answer.ts';
import { isHostsLack } from '../host-failure.ts';

/** Lines that stand for damage, whatever came of it: the two loudest levels, crashes, and pages that are not what was written. */
const LOUD =
  /(?:FATAL|PANIC): {2}|was terminated by (?:signal|exception)|terminated abnormally|page verification failed|invalid page in block/;

/** Said at every start and end: nothing is wrong with them. */
const EXPECTED =
  /FATAL: {2}(?:the database system is |terminating connection due to administrator command|terminating background worker)/;

/** Whether the server of the copy said anything while it ran that no sound cluster makes it say. */
export function judgeServerLog(text: string): Answer {
  const lines = text.split('\n');
  const loud = lines.filter((line) => LOUD.test(line) && !EXPECTED.test(line));
  const ofCopy = loud.filter((line) => !isHostsLack(line));
  return {
    detail: `${lines.length - 1} lines`,
    findings: [...new Set(ofCopy.map(messageOf))].map((message) => copyFinding(message)),
    exceptions: [...new Set(loud.filter(isHostsLack).map(messageOf))],
  };
}

/** Without time and process. */
function messageOf(line: string): string {
  return line.replace(/^.*?\[\d+\] (?=[A-Z]+: )/, '');
}

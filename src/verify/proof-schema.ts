import * as z from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { DrillReport, ProofReport } from './proof-report.ts';

const seconds = z.number().nonnegative();
const text = z.string();

const code = text.transform((given) => given as ErrorCode);

const finding = z.object({
  code,
  message: text,
  object: text.exactOptional(),
  file: text.exactOptional(),
});

const proof = z.object({
  backup: text,
  level: z.enum(['restore', 'full']),
  verdict: z.enum(['verified', 'verified_with_exceptions', 'failed']),
  began: z.iso.datetime(),
  seconds,
  phases: z.array(z.object({ name: text, seconds })).readonly(),
  checks: z
    .array(
      z.object({
        name: text,
        result: z.enum(['passed', 'failed', 'excepted']),
        detail: text,
        findings: z.array(finding).readonly(),
        seconds,
      }),
    )
    .readonly(),
  reached: z.object({ lsn: text, lastCommit: text.nullable() }).nullable(),
  host: z.object({
    serverVersion: text,
    libc: text.nullable(),
    icu: text.nullable(),
    confinement: z.enum(['namespaces', 'network', 'account']),
  }),
  larderVersion: text,
});

const drill = proof.extend({
  scenario: text,
  repository: text,
  target: text,
  remarks: z.array(text).readonly(),
  passedOver: z.array(z.object({ backup: text, code, message: text })).readonly(),
  recoverySeconds: seconds.nullable(),
  recoveredTo: z.iso.datetime().nullable(),
  lostSeconds: seconds.nullable(),
  objectives: z.object({ rpoSeconds: seconds, rtoSeconds: seconds }),
  met: z.boolean(),
  applicationOutput: text.nullable(),
});

/** A stored report of a proof; members that a later Larder added are left out. */
export const proofReportSchema: z.ZodType<ProofReport> = proof;
/** The same of a drill. */
export const drillReportSchema: z.ZodType<DrillReport> = drill;

import fc from 'fast-check';
import { WalLog, type RecordContent, type WalLogOptions } from './wal-log.ts';

const data = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.nat(150) },
      { weight: 2, arbitrary: fc.nat(3000) },
      // to the byte where a page may end
      { weight: 2, arbitrary: fc.integer({ min: 900, max: 1010 }) },
      { weight: 1, arbitrary: fc.nat(40_000) },
    ),
    fc.integer({ min: 1, max: 2 ** 31 }),
  )
  .map(([length, seed]) => Buffer.from(Uint8Array.from({ length }, (_, i) => 1 + ((seed + i * 37) % 255))));

const content: fc.Arbitrary<RecordContent> = fc.record({
  resourceManager: fc.integer({ min: 1, max: 255 }),
  info: fc.nat(255),
  transaction: fc.nat(0xffffffff),
  data,
});

type Addition = (log: WalLog) => void;

const addition: fc.Arbitrary<Addition> = fc.oneof(
  {
    weight: 20,
    arbitrary: content.map(
      (one): Addition =>
        (log) =>
          log.add(one),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Addition>((log) => log.addSwitch()) },
  {
    weight: 2,
    arbitrary: fc.tuple(content, fc.integer({ min: 1, max: 4 })).map(
      ([one, pages]): Addition =>
        (log) =>
          log.addBroken(one, pages),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Addition>((log) => (log.timeline += 1)) },
);

/** Logs of up to forty records, of all lengths, with switches, with records that a crash cut off, with a new timeline. */
export function arbitraryWalLog(options: WalLogOptions): fc.Arbitrary<WalLog> {
  return fc.array(addition, { minLength: 1, maxLength: 40 }).map((additions) => {
    const log = new WalLog(options);
    for (const add of additions) add(log);
    // a broken record is only known for one by what stands in its place
    log.add({ resourceManager: 1, info: 0, transaction: 1, data: Buffer.from('the last one') });
    return log;
  });
}

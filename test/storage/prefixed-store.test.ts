import { systemClock } from '../../src/clock.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import { PrefixedStore } from '../../src/storage/prefixed-store.ts';
import { describeObjectStore } from './object-store-contract.ts';

describeObjectStore('prefixed', () =>
  Promise.resolve({
    store: new PrefixedStore(openMemoryStore(systemClock), 'leader/'),
    close: () => Promise.resolve(),
  }),
);

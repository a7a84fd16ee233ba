import { systemClock } from '../../src/clock.ts';
import { openMemoryStore } from '../../src/storage/memory-store.ts';
import { describeObjectStore } from './object-store-contract.ts';

describeObjectStore('memory', () =>
  Promise.resolve({ store: openMemoryStore(systemClock), close: () => Promise.resolve() }),
);

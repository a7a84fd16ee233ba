import { systemClock } from '../../../src/clock.ts';
import { openDemoCluster } from '../../../src/demo/embedded-cluster.ts';

/** Opens the demonstration cluster below its argument and waits to be killed. */
const directory = process.argv[2] ?? '';
await openDemoCluster({ directory, scale: 0.002, clock: systemClock });
process.stdout.write('open\n');
await systemClock.sleep(60_000);

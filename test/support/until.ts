import { setTimeout as delay } from 'node:timers/promises';

/** Waits for something that real input and output bring about; fails after 5 s. */
export async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    if (await happened()) return;
    await delay(5);
  }
  throw new Error(`did not happen in 5 s: ${happened.toString()}`);
}

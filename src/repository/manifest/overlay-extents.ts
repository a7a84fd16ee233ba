import type { FrameAddresses } from './frame-addresses.ts';
import type { Extent } from './extents.ts';

/** A stretch of a file, and the address of its first byte (`FrameAddresses`). */
interface Stretch {
  readonly fileOffset: number;
  readonly length: number;
  readonly address: number;
}

/**
 * The extents of a file of which some stretches were stored anew: those take the place of what was there, and of the
 * rest only the first `keep` bytes remain. What then is covered by neither is zero.
 *
 * @param base of the earlier version, ascending
 * @param changes ascending, apart from each other
 * @param keep bytes of the earlier version that the new one still has: less than its size when the file was cut off
 */
export function overlayExtents(
  base: Iterable<Extent>,
  changes: Iterable<Extent>,
  { keep, addresses }: { readonly keep: number; readonly addresses: FrameAddresses },
): Generator<Extent> {
  return toExtents(joined(overlaid(clipped(base, keep, addresses), changes, addresses)), addresses);
}

function* clipped(
  extents: Iterable<Extent>,
  keep: number,
  addresses: FrameAddresses,
): Generator<Stretch, void, undefined> {
  for (const extent of extents) {
    const length = Math.min(extent.length, keep - extent.fileOffset);
    if (length <= 0) return;
    yield { fileOffset: extent.fileOffset, length, address: addresses.of(extent) };
  }
}

function* overlaid(
  base: Generator<Stretch, void, undefined>,
  changes: Iterable<Extent>,
  addresses: FrameAddresses,
): Generator<Stretch, void, undefined> {
  let below = base.next().value;
  for (const change of changes) {
    while (below !== undefined && below.fileOffset < change.fileOffset) {
      const [before, behind] = split(below, change.fileOffset);
      yield before;
      below = behind ?? base.next().value;
    }
    const end = change.fileOffset + change.length;
    while (below !== undefined && below.fileOffset < end) below = split(below, end)[1] ?? base.next().value;
    yield { fileOffset: change.fileOffset, length: change.length, address: addresses.of(change) };
  }
  for (; below !== undefined; below = base.next().value) yield below;
}

/** The parts of a stretch before and behind a place in the file; the second is undefined where nothing is left. */
function split(stretch: Stretch, at: number): [Stretch, Stretch | undefined] {
  const before = at - stretch.fileOffset;
  if (before >= stretch.length) return [stretch, undefined];
  return [
    { ...stretch, length: before },
    { fileOffset: at, length: stretch.length - before, address: stretch.address + before },
  ];
}

function* joined(stretches: Iterable<Stretch>): Generator<Stretch, void, undefined> {
  let last: Stretch | undefined;
  for (const next of stretches) {
    if (last !== undefined && follows(last, next)) last = { ...last, length: last.length + next.length };
    else {
      if (last !== undefined) yield last;
      last = next;
    }
  }
  if (last !== undefined) yield last;
}

function follows(last: Stretch, next: Stretch): boolean {
  return last.fileOffset + last.length === next.fileOffset && last.address + last.length === next.address;
}

function* toExtents(stretches: Iterable<Stretch>, addresses: FrameAddresses): Generator<Extent> {
  for (const { fileOffset, length, address } of stretches)
    yield { fileOffset, length, ...addresses.locate(address) };
}

/** A moment as the clocks of a zone show it: `2026-11-29 02:00`. `moment`: milliseconds since 1970 UTC. */
export function localTimeText(moment: number, zone: string): string {
  // Sweden writes dates as ISO 8601 does
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  }).format(moment);
}

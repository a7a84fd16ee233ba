const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `0 B`, `8.19 kB`, `1.23 GB`: three digits, powers of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would round to 1000 of the smaller unit
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? String(Math.round(value)) : threeDigits(value)} ${BYTE_UNITS[unit] ?? ''}`;
}

/** `412 MB/s`; a dash when no time has passed. */
export function formatRate(bytes: number, seconds: number): string {
  return seconds > 0 ? `${formatBytes(bytes / seconds)}/s` : '-';
}

/** `3.3 : 1`: how much smaller the stored bytes are; a dash when nothing was stored. */
export function formatRatio(source: number, stored: number): string {
  return stored > 0 ? `${(source / stored).toFixed(1)} : 1` : '-';
}

/** `0.4 s`, `12 s`, `2 min 05 s`, `1 h 02 min`, `3 d 04 h`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, ['min', 's']);
  if (whole < 86_400) return pair(Math.floor(whole / 60), 60, ['h', 'min']);
  return pair(Math.floor(whole / 3600), 24, ['d', 'h']);
}

/** An ISO 8601 time in UTC as `2026-11-22 02:00:05 UTC`. */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** Text that came from outside, on one line and without what would steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** `1 file`, `2 files`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A word for a shell, quoted where it needs to be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function threeDigits(value: number): string {
  const decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return value.toFixed(decimals);
}

function pair(count: number, perUnit: number, [larger, smaller]: readonly [string, string]): string {
  const rest = String(count % perUnit).padStart(2, '0');
  return `${Math.floor(count / perUnit)} ${larger} ${rest} ${smaller}`;
}

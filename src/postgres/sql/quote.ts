/** An SQL identifier, quoted: safe for any name, reserved words included. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Servers older than this speak another form of BASE_BACKUP. */
export const OLDEST_MAJOR = 15;
export const NEWEST_TESTED_MAJOR = 18;

/** `server_version_num` (170010) to the major version (17). */
export function majorOf(versionNumber: number): number {
  return Math.floor(versionNumber / 10000);
}

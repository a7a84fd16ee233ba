/**
 * Whether a request with this Host header is meant for a server bound to `boundTo`. A page of a foreign site can
 * point its own name at 127.0.0.1 and read what we answer (DNS rebinding), but it cannot forge the header. A server
 * bound elsewhere is reached under names we cannot know.
 */
export function isHostAllowed(boundTo: string, hostHeader: string | undefined): boolean {
  if (!isLoopback(boundTo)) return true;
  const name = URL.parse(`http://${hostHeader ?? ''}`)?.hostname;
  return name !== undefined && isLoopback(name);
}

/** Whether only this machine can reach a server bound there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether a connection between these addresses stays on this machine. */
export function isFromHere(remote: string | undefined, local: string | undefined): boolean {
  if (remote === undefined) return false;
  return remote === local || isLoopback(remote.replace(/^::ffff:/, ''));
}

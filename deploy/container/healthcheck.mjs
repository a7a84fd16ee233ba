// The image's HEALTHCHECK: exit 0 while a restart would not help. Not /health/backup: a backup that failed must not have the
// container restarted, which would end the next attempt. Where the configuration file sets host or port, set the variables too.
const host = process.env.LARDER_HTTP_HOST || '127.0.0.1';
const port = process.env.LARDER_HTTP_PORT || '9847';
// every address of the container includes the loopback one
const reached = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);

try {
  const answer = await fetch(`http://${reached}:${port}/health/live`, { signal: AbortSignal.timeout(4000) });
  process.stdout.write(`${answer.status} ${await answer.text()}\n`);
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer from ${reached}:${port}: ${error.cause?.code ?? error.name}\n`);
  process.exitCode = 1;
}

import { html, Markup } from './html.ts';
import { PAGE_POLICY } from './report-page.ts';
import { STYLE } from './style.ts';

/** Where a service protects several clusters: one link to each one's page. */
export function clusterListPage(clusters: readonly string[]): string {
  const links = clusters.map(
    (name) => html`<li><a href="?cluster=${encodeURIComponent(name)}">${name}</a></li>`,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}" />
        <title>Backups</title>
        ${new Markup(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <h1>Backups</h1>
        <ul>
          ${links}
        </ul>
      </body>
    </html> `.text;
}

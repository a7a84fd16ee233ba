/** The page's only style sheet: light and dark by the reader's own choice, and on paper. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1b2430; --soft: #5b6776; --page: #f5f6f8; --card: #fff; --line: #d9dee5;
  --ok: #1a7f4b; --attention: #9a6200; --unknown: #5c5a9c; --failing: #c0262d; --full: #2563a8; --incremental: #7fb0de; --log: #3a9d6e; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e9ef; --soft: #98a4b3; --page: #12171e; --card: #1b222c; --line: #323c49;
  --ok: #4cc38a; --attention: #e5a53a; --unknown: #a9a6ec; --failing: #ff7b7b; --full: #6aa9ea; --incremental: #3f6f9d; --log: #4cc38a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
h1 { font-size: 1.1rem; margin: 0 0 .75rem; font-weight: 600; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .6rem; }
h3 { font-size: .95rem; margin: 1.2rem 0 .4rem; }
p { margin: .4rem 0; }
.soft { color: var(--soft); }
.verdict, .card, figure, .table { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.verdict { padding: 1.1rem 1.3rem; border-left: .5rem solid var(--mark); }
.verdict strong { display: block; color: var(--mark); font-size: 1.5rem; line-height: 1.25; }
.verdict .recovery { font-size: 1.15rem; margin-top: .6rem; }
.verdict ul { margin: .6rem 0 0; padding-left: 1.2rem; }
.is-ok { --mark: var(--ok); } .is-attention { --mark: var(--attention); }
.is-unknown { --mark: var(--unknown); } .is-failing { --mark: var(--failing); }
.mark { color: var(--mark); font-weight: 600; white-space: nowrap; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: .8rem; margin-top: .8rem; }
.card { padding: .8rem 1rem; border-top: .25rem solid var(--mark, var(--line)); }
.card h3 { margin: 0; color: var(--soft); font-weight: 500; }
.card .value { font-size: 1.6rem; font-weight: 600; line-height: 1.3; }
.card p { margin: .1rem 0; font-size: .875rem; }
figure { margin: 0; padding: .8rem 1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: .8rem; margin-top: .8rem; }
figcaption { font-weight: 600; margin-bottom: .3rem; }
.legend { font-weight: 400; font-size: .8rem; color: var(--soft); }
.legend b { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; margin: 0 .25rem 0 .7rem; background: var(--soft); }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--soft); }
.grid { stroke: var(--line); stroke-width: 1; }
.full { fill: var(--full); } .incremental { fill: var(--incremental); } .log { fill: var(--log); } .bad { fill: var(--failing); } .alone { fill: var(--line); }
.legend .full { background: var(--full); } .legend .incremental { background: var(--incremental); }
.legend .log { background: var(--log); } .legend .bad { background: var(--failing); } .legend .alone { background: var(--line); }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; padding: .4rem .8rem; vertical-align: top; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 500; white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.fixed { white-space: nowrap; }
footer { margin-top: 2.5rem; font-size: .8rem; color: var(--soft); }
@media (max-width: 30rem) { body { padding: .8rem; } .figures { grid-template-columns: 1fr; } }
@media print { :root { color-scheme: light; --page: #fff; --text: #000; --soft: #444; --card: #fff; --line: #bbb; --ok: #1a7f4b;
  --attention: #9a6200; --unknown: #5c5a9c; --failing: #c0262d; --full: #2563a8; --incremental: #7fb0de; --log: #3a9d6e; }
  body { padding: 0; max-width: none; font-size: 9.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .verdict, .card, figure, tr { break-inside: avoid; } h2 { break-after: avoid; } .table { overflow: visible; } }
`;

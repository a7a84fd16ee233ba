// for the merge of branches that import from here; the next commit that touches it removes it
export {
  formatBytes,
  formatDuration,
  formatRate,
  formatRatio,
  formatTime,
  plural,
  printable,
  shellWord,
} from '../format.ts';

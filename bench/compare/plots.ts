import { init } from 'echarts';
import { reference } from './peers.js';
import { multiplesOf, type Row } from './results.js';

const width = 900;
const barHeight = 9;

/** A plot of how many times better than `ws` each peer is, as SVG. */
export function makePlot(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ samples }) => Object.keys(samples)))].filter(
    (name) => name !== reference.ws,
  );
  const height = 90 + rows.length * (names.length * barHeight + 14);
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    grid: { left: 240, right: 30, top: 40, bottom: 45 },
    legend: { top: 5 },
    xAxis: {
      type: 'log',
      name: 'times better than ws (CPU per message, or memory)',
      nameLocation: 'middle',
      nameGap: 28,
      min: 0.1,
    },
    yAxis: { type: 'category', inverse: true, data: rows.map(({ title }) => title) },
    series: names.map((name) => ({
      name,
      type: 'bar',

      data: rows.map(({ samples }) => multiplesOf(reference.ws, name, samples)?.median.toFixed(3) ?? null),
      markLine: {
        silent: true,
        symbol: 'none',
        label: { show: false },
        lineStyle: { color: '#333333', type: 'solid' },
        data: [{ xAxis: 1 }],
      },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg.replace('>', '><title>How many times better than ws</title>')}\n`;
}

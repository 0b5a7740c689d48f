/** One line of a plot. */
export interface Curve {
  readonly name: string;
  /** At equal distances. */
  readonly values: readonly number[];
}

const width = 720;
const height = 360;
const left = 60;
const right = 90;
const top = 40;
const bottom = 44;
const colours = ['#0b6e4f', '#c8553d', '#3d5a80', '#8d6b94'];

/** Curves over the same stretch, from zero up, as an SVG. */
export function drawCurves(title: string, across: string, up: string, curves: readonly Curve[]): string {
  const most = Math.max(...curves.flatMap(({ values }) => values));
  const step = niceStep(most / 5);
  const highest = Math.ceil(most / step) * step;
  const x = (share: number) => left + share * (width - left - right);
  const y = (value: number) => height - bottom - (value / highest) * (height - top - bottom);
  const lines: string[] = [];
  for (let value = 0; value <= highest; value += step) {
    lines.push(`<line x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>`);
    lines.push(`<text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${value}</text>`);
  }
  curves.forEach(({ name, values }, index) => {
    const colour = colours[index % colours.length]!;
    const points = values.map(
      (value, i) => `${x(i / (values.length - 1)).toFixed(1)},${y(value).toFixed(1)}`,
    );
    lines.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    lines.push(
      `<text x="${width - right + 6}" y="${y(values.at(-1)!) + 4}" fill="${colour}" font-weight="bold">${name}</text>`,
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="22" font-size="15" font-weight="bold">${title}</text>
${lines.join('\n')}
<text x="${left - 8}" y="${top - 8}" text-anchor="end">${up}</text>
<text x="${(left + width - right) / 2}" y="${height - 12}" text-anchor="middle">${across}, from 0 to 100 %</text>
</svg>
`;
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough)!;
}

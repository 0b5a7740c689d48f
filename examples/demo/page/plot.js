// A line of the last values, as SVG. The number beside it says the same to those who do not see it.

const kept = 120;
const space = 'http://www.w3.org/2000/svg';

/** Makes a plot in `svg`; `mark` is a value to draw a line at. Returns what adds a value. */
export function makePlot(svg, { least = 1, mark } = {}) {
  const values = [];
  const line = document.createElementNS(space, 'polyline');
  const limit = document.createElementNS(space, 'line');
  svg.setAttribute('viewBox', `0 0 ${kept - 1} 100`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.append(line);
  if (mark !== undefined) svg.append(limit);

  return (value) => {
    values.push(value);
    if (values.length > kept) values.shift();
    const top = Math.max(least, mark ?? 0, ...values) * 1.1;
    const y = (one) => (100 - (one / top) * 100).toFixed(1);
    const start = kept - values.length;
    line.setAttribute('points', values.map((one, index) => `${start + index},${y(one)}`).join(' '));
    if (mark === undefined) return;
    for (const [name, at] of Object.entries({ x1: 0, x2: kept, y1: y(mark), y2: y(mark) }))
      limit.setAttribute(name, at);
  };
}

/** Bytes for people. */
export function showBytes(bytes) {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

// The table of frames, newest first.

const kept = 200;
const names = new Map([
  [0, 'continuation'],
  [1, 'text'],
  [2, 'binary'],
  [8, 'close'],
  [9, 'ping'],
  [10, 'pong'],
]);

/** Shows batches of frames; `me` tells the number of this page's connection. */
export function makeFrames(me) {
  const body = document.querySelector('#frames tbody');
  const onlyMine = document.getElementById('mine');
  const noPings = document.getElementById('no-pings');
  const hold = document.getElementById('hold');
  hold.addEventListener('click', () => {
    hold.setAttribute('aria-pressed', String(hold.getAttribute('aria-pressed') !== 'true'));
  });

  function row(...cells) {
    const made = document.createElement('tr');
    for (const [text, className] of cells) {
      const cell = document.createElement('td');
      cell.textContent = text;
      if (className) cell.className = className;
      made.append(cell);
    }
    return made;
  }

  function frameRow({ ant, direction, opcode, fin, compressed, masked, length, time }) {
    const flags = [fin ? 'FIN' : 'more to come', compressed && 'compressed', masked && 'masked'].filter(
      Boolean,
    );
    const made = row(
      [new Date(time).toISOString().slice(11, 23)],
      [`ant ${ant}`],
      [direction === 'in' ? '→ to server' : '← from server', direction],
      [names.get(opcode) ?? `opcode ${opcode}`],
      [length.toLocaleString('en'), 'number'],
      [flags.join(', ')],
    );
    if (ant === me()) made.className = 'own';
    return made;
  }

  const isPing = ({ opcode }) => opcode === 9 || opcode === 10;

  return ({ frames, skipped }) => {
    if (hold.getAttribute('aria-pressed') === 'true') return;
    const wanted = frames.filter(
      (frame) => !(onlyMine.checked && frame.ant !== me()) && !(noPings.checked && isPing(frame)),
    );
    const rows = wanted.reverse().map(frameRow);
    if (skipped > 0)
      rows.unshift(row(['…'], [''], [''], [`and ${skipped.toLocaleString('en')} more`], [''], ['']));
    if (rows.length === 0) return;
    body.prepend(...rows);
    while (body.childElementCount > kept) body.lastElementChild.remove();
  };
}

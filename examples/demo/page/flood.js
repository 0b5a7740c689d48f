// The flood: how much came, and how little waits in the server meanwhile.
import { makePlot, showBytes } from './plot.js';

const highWaterMark = 64 * 1024;
const whole = 32 * 1024 ** 2;
/** Work on each message when reading slowly, in milliseconds. */
const slowness = 2;

/** Shows the flood; `send` takes an object for the server. */
export function makeFlood(send) {
  const button = document.getElementById('flood');
  const slowly = document.getElementById('slowly');
  const progress = document.getElementById('progress');
  const result = document.getElementById('flooded');
  const buffered = document.getElementById('buffered');
  const plot = makePlot(document.getElementById('buffered-plot'), { mark: highWaterMark });
  let isOn = false;
  let received = 0;

  function set(on) {
    isOn = on;
    button.textContent = on ? 'Enough' : 'Flood this page';
  }

  button.addEventListener('click', () => {
    if (isOn) {
      send({ type: 'enough' });
    } else if (send({ type: 'flood' })) {
      received = 0;
      result.textContent = '';
      set(true);
    }
  });

  return {
    data(bytes) {
      received += bytes;
      progress.value = received / whole;
      if (!slowly.checked) return;
      // On the page's only thread, on purpose: that is what makes a page slow.
      const until = performance.now() + slowness;
      while (performance.now() < until);
    },
    flooded({ messages, bytes, ms, peak, waits }) {
      set(false);
      const rate = showBytes(bytes / (ms / 1000));
      result.textContent =
        `${showBytes(bytes)} in ${messages.toLocaleString('en')} messages, ${rate} a second. At most ${showBytes(peak)} waited in the server,` +
        ` which had to pause ${waits.toLocaleString('en')} times.`;
    },
    buffered(bytes) {
      buffered.textContent = showBytes(bytes);
      plot(bytes);
    },
    stopped() {
      set(false);
    },
  };
}

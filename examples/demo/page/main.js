// Two sockets: one to talk, which all of this is about, and one that watches what the server sees.
import { makeChat } from './chat.js';
import { makeClosing } from './closing.js';
import { makeFlood } from './flood.js';
import { makeFrames } from './frames.js';
import { makePlot, showBytes } from './plot.js';

const status = document.getElementById('status');
const light = document.getElementById('light');
const again = document.getElementById('again');
const latency = document.getElementById('latency');
const rate = document.getElementById('rate');
const plotLatency = makePlot(document.getElementById('latency-plot'));
const plotRate = makePlot(document.getElementById('rate-plot'), { least: 1024 });

let socket;
let me;
let bytes = 0;

const chat = makeChat(send);
const flood = makeFlood(send);
const closing = makeClosing((code, reason) => socket.close(code, reason), send);
const showFrames = makeFrames(() => me);

/** Sends an object, if somebody is there to get it. */
function send(wish) {
  if (socket.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(wish));
  return true;
}

const listeners = {
  welcome(news) {
    me = news.ant;
    say(`connected as ant ${me}`, true);
    chat.welcome(news);
  },
  said: chat.said,
  here: chat.here,
  flooded: flood.flooded,
  complaint: closing.complaint,
};

function say(text, isOpen) {
  status.textContent = text;
  light.classList.toggle('open', isOpen);
  again.hidden = isOpen;
}

function open(path) {
  const made = new WebSocket(new URL(path, location.href.replace(/^http/, 'ws')));
  made.binaryType = 'arraybuffer';
  return made;
}

function connect() {
  again.hidden = true;
  socket = open('demo');
  socket.addEventListener('message', ({ data }) => {
    if (typeof data !== 'string') {
      bytes += data.byteLength;
      flood.data(data.byteLength);
      return;
    }
    bytes += data.length;
    const news = JSON.parse(data);
    listeners[news.type]?.(news);
  });
  socket.addEventListener('close', (event) => {
    const { code, reason, wasClean } = event;
    closing.pageSaw({ code, reason, wasClean, why: code === 1006 ? 'no Close frame came' : '' });
    flood.stopped();
    say(`closed with ${code}`, false);
  });
}

/** Comes back by itself, more and more slowly; the connection that one looks at does not, as one wants to see how it ended. */
function watch(delay = 500) {
  const watching = open('watch');
  let wait = delay;
  watching.addEventListener('open', () => {
    wait = 500;
  });
  watching.addEventListener('message', ({ data }) => {
    const news = JSON.parse(data);
    if (news.type === 'closed') {
      if (news.ant === me) closing.serverSaw(news);
      return;
    }
    showFrames(news);
    const mine = news.ants.find(({ ant }) => ant === me);
    buffered = mine?.bufferedAmount ?? 0;
    peak = Math.max(peak, buffered);
    lastLatency = mine?.latency;
  });
  watching.addEventListener('close', () => setTimeout(watch, wait, Math.min(wait * 2, 10_000)));
}
let buffered = 0;
let peak = 0;
let lastLatency;

const every = 250;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  const perSecond = (bytes * 1000) / (now - last);
  last = now;
  bytes = 0;
  rate.textContent = `${showBytes(perSecond)}/s`;
  plotRate(perSecond);
  if (lastLatency !== undefined) {
    latency.textContent = `${lastLatency.toFixed(1)} ms`;
    plotLatency(lastLatency);
  }
  // The most since the last look, so that a short wait is not lost.
  flood.buffered(peak);
  peak = buffered;
}, every);

again.addEventListener('click', connect);
connect();
watch();

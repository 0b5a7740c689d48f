// Runs in the browser. The tests call `talk` there and look at what it resolves to.

/** Opens a socket, sends, waits for messages, closes if told so, and resolves to all that was seen when it has closed. */
globalThis.talk = (url, { protocols = [], send = [], messages = 0, close } = {}) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    socket.binaryType = 'arraybuffer';
    const seen = { opened: false, protocol: '', extensions: '', messages: [] };
    const done = () => {
      if (seen.messages.length === messages && close) socket.close(...close);
    };
    socket.onopen = () => {
      seen.opened = true;
      seen.protocol = socket.protocol;
      seen.extensions = socket.extensions;
      for (const data of send) socket.send(typeof data === 'string' ? data : new Uint8Array(data));
      done();
    };
    socket.onmessage = ({ data }) => {
      seen.messages.push(typeof data === 'string' ? data : [...new Uint8Array(data)]);
      done();
    };
    socket.onclose = ({ code, reason, wasClean }) => resolve({ ...seen, code, reason, wasClean });
  });

/** Sends `size` bytes that do not repeat soon, and resolves to whether the same came back. */
globalThis.echoLarge = (url, size) =>
  new Promise((resolve) => {
    const words = new Uint32Array(size / 4);
    for (let i = 0, word = 1; i < words.length; i++) {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      words[i] = word;
    }
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => socket.send(words);
    socket.onmessage = ({ data }) => {
      const back = new Uint32Array(data);
      socket.close(1000);
      resolve(back.length === words.length && back.every((word, i) => word === words[i]));
    };
    socket.onclose = ({ code }) => resolve(`closed with ${code}`);
  });

/** Opens a socket and resolves when it is open; nobody closes it. */
globalThis.leaveOpen = (url) =>
  new Promise((resolve) => {
    globalThis.left = new WebSocket(url);
    globalThis.left.onopen = () => resolve(true);
  });

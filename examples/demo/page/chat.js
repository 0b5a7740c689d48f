// Lines of the chat. What others wrote becomes text and nothing else.

const kept = 100;

/** Shows the chat; `send` takes an object for the server. */
export function makeChat(send) {
  const list = document.getElementById('lines');
  const text = document.getElementById('text');
  document.getElementById('say').addEventListener('submit', (event) => {
    event.preventDefault();
    if (send({ type: 'say', text: text.value })) text.value = '';
  });

  function show({ ant, text }) {
    const item = document.createElement('li');
    const name = document.createElement('b');
    name.textContent = `ant ${ant}: `;
    item.append(name, text);
    list.append(item);
    while (list.childElementCount > kept) list.firstElementChild.remove();
    list.scrollTop = list.scrollHeight;
  }

  return {
    said: show,
    welcome({ lines }) {
      list.replaceChildren();
      lines.forEach(show);
    },
    here({ count }) {
      document.getElementById('here').textContent =
        count === 1 ? 'One page is here.' : `${count} pages are here.`;
    },
  };
}

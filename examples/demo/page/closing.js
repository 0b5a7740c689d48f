// A close with a code, and what each side makes of it.

/** Shows ends; `closeHere` closes the socket of the page, `send` takes an object for the server. */
export function makeClosing(closeHere, send) {
  const problem = document.getElementById('closing');
  document.getElementById('close').addEventListener('submit', (event) => {
    event.preventDefault();
    const code = Number(document.getElementById('code').value);
    const reason = document.getElementById('reason').value;
    problem.textContent = '';
    try {
      if (event.submitter?.value === 'server') send({ type: 'close', code, reason });
      else closeHere(code, reason);
    } catch (error) {
      // A page may close with 1000 and with 3000 to 4999 only.
      problem.textContent = error.message;
    }
  });

  function show(id, { code, reason, wasClean, why }) {
    const [codeCell, reasonCell, cleanCell] = document.querySelectorAll(`#${id} td`);
    codeCell.textContent = code;
    reasonCell.textContent = reason || why || '(none)';
    cleanCell.textContent = wasClean ? 'yes' : 'no';
  }

  return {
    pageSaw: (event) => show('page-saw', event),
    serverSaw: (news) => show('server-saw', news),
    complaint({ message }) {
      problem.textContent = message;
    },
  };
}

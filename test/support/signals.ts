import sinon from 'sinon';

/** Counts the listeners that are on a signal. */
export function watchSignal(signal: AbortSignal): { listeners: number } {
  const counts = { listeners: 0 };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  sinon.stub(signal, 'addEventListener').callsFake((...args: Parameters<typeof add>) => {
    counts.listeners++;
    add(...args);
  });
  sinon.stub(signal, 'removeEventListener').callsFake((...args: Parameters<typeof remove>) => {
    counts.listeners--;
    remove(...args);
  });
  return counts;
}

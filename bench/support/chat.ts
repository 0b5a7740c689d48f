const words =
  'the ants carry leaves over a narrow bridge while rain falls and nobody minds it much today'.split(' ');

/** The same each time, so that runs can be compared. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x100000000;
  };
}

/** `count` different messages of exactly `size` bytes, as JSON of a chat: names that come again, words, numbers. */
export function chatMessages(size: number, count: number): Buffer[] {
  const random = makeRandom(size);
  const pick = () => words[Math.floor(random() * words.length)]!;
  return Array.from({ length: count }, (_, index) => {
    let text = `{"type":"chat","id":${index * 7919},"from":"${pick()}","text":"`;
    while (text.length < size - 2) {
      text += random() < 0.1 ? `${Math.floor(random() * 1e6)} ` : `${pick()} `;
    }
    return Buffer.from(`${text.slice(0, size - 2)}"}`);
  });
}

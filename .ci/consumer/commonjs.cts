// A CommonJS module in TypeScript: `import` here becomes `require`.
import { CloseCode, type Connection, dial } from 'ants-ws';
import { TestClock } from 'ants-ws/testing';

export async function greet(url: string): Promise<number> {
  const conn: Connection = await dial(url);
  await conn.send('hello');
  return (await conn.close(CloseCode.NormalClosure)).code;
}

export const clock = new TestClock();

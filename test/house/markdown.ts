/** A fenced block of code in a Markdown page. */
export interface CodeBlock {
  /** The info string behind the opening fence, such as `ts` or `ts continued`. */
  readonly info: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
  /** The line of the closing fence. */
  readonly lastLine: number;
  readonly code: readonly string[];
}

/** The fenced blocks of a page, in order. A fence within a list may be indented; its indentation is taken off the code. */
export function readCodeBlocks(text: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { info: string; line: number; fence: string; indent: number; code: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, space, fence, info] = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== undefined) {
        open = { info: info!, line: index + 1, fence, indent: space!.length, code: [] };
      }
    } else if (fence?.startsWith(open.fence) && info === '') {
      blocks.push({ info: open.info, line: open.line, lastLine: index + 1, code: open.code });
      open = undefined;
    } else {
      open.code.push(line.slice(Math.min(open.indent, /^\s*/.exec(line)![0].length)));
    }
  }
  if (open !== undefined) throw new Error(`the code block that starts at line ${open.line} never ends`);
  return blocks;
}

/** The targets of a page's links and images, without those in code. */
export function readLinks(text: string): string[] {
  const prose = withoutCode(text).replace(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const reference = [...prose.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)/gm)];
  return [...inline, ...reference].map(([, target]) => target!);
}

/** The fragments that a page's headings can be linked by, as GitHub makes them. */
export function readAnchors(text: string): Set<string> {
  const anchors = new Set<string>();
  const seen = new Map<string, number>();
  for (const [, heading] of withoutCode(text).matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

function withoutCode(text: string): string {
  const lines = text.split('\n');
  for (const { line, lastLine } of readCodeBlocks(text)) lines.fill('', line - 1, lastLine);
  return lines.join('\n');
}

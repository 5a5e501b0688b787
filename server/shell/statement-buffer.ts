/** Collects lines until a statement is whole: a semicolon outside of quotes, dollar quotes and comments. */
export class StatementBuffer {
  #text = '';

  get isEmpty(): boolean {
    return this.#text.trim() === '';
  }

  /** What was typed of the next one. */
  get text(): string {
    return this.#text;
  }

  clear(): void {
    this.#text = '';
  }

  /** The whole statements that this line completes; what comes after them stays. */
  add(line: string): readonly string[] {
    this.#text += `${line}\n`;
    const statements: string[] = [];
    for (;;) {
      const end = statementEnd(this.#text);
      if (end < 0) return statements;
      const statement = this.#text.slice(0, end).trim();
      this.#text = this.#text.slice(end + 1);
      if (this.isEmpty) this.#text = '';
      if (statement !== '') statements.push(statement);
    }
  }

  /** What is left at the end of input. */
  rest(): string {
    const rest = this.#text.trim();
    this.#text = '';
    return rest;
  }
}

/** The offset of the first semicolon that ends a statement, or −1. */
function statementEnd(text: string): number {
  let at = 0;
  while (at < text.length) {
    if (text[at] === ';') return at;
    const next = skipQuoted(text, at);
    if (next < 0) return -1;
    at = next;
  }
  return -1;
}

/** The offset after what starts here: one character, or something quoted; −1 where that is not closed. */
function skipQuoted(text: string, at: number): number {
  const after = (closing: string, from: number): number => {
    const end = text.indexOf(closing, from);
    return end < 0 ? -1 : end + closing.length;
  };
  const character = text[at];
  if (character === "'" || character === '"') {
    const escaped = character === "'" && /[eE]/.test(text[at - 1] ?? '') && !/\w/.test(text[at - 2] ?? '');
    for (let i = at + 1; i < text.length; i++) {
      if (escaped && text[i] === '\\') i++;
      else if (text[i] === character) return i + 1;
    }
    return -1;
  }
  if (text.startsWith('--', at)) return after('\n', at);
  if (text.startsWith('/*', at)) return skipComment(text, at);
  if (character === '$') {
    const tag = /^\$(?:[A-Za-z_]\w*)?\$/.exec(text.slice(at, at + 64))?.[0];
    if (tag !== undefined && !/\w/.test(text[at - 1] ?? '')) return after(tag, at + tag.length);
  }
  return at + 1;
}

/** Comments nest, as in PostgreSQL. */
function skipComment(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text.startsWith('/*', i)) {
      depth++;
      i++;
    } else if (text.startsWith('*/', i)) {
      depth--;
      i++;
      if (depth === 0) return i + 1;
    }
  }
  return -1;
}

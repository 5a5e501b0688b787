/** The query inside DECLARE … FOR and COPY ( … ), for whoever reads it as a text of its own. */
import { closingIndex, isSymbol, isWord, tokenize } from './token.ts';

/** Spaces stand for what is before it, a space for a character: so positions in it are those of the whole. */
export function innerQuery(text: string): string {
  const tokens = tokenize(text);
  const copied = isWord(tokens[0], 'copy');
  const at = copied
    ? tokens.findIndex((token) => isSymbol(token, '('))
    : tokens.findIndex((token, i) => i > 1 && isWord(token, 'for'));
  const start = tokens[at]?.end ?? 0;
  const end = copied && at >= 0 ? (tokens[closingIndex(tokens, at)]?.start ?? text.length) : text.length;
  return ' '.repeat([...text.slice(0, start)].length) + text.slice(start, end);
}

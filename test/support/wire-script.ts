/** JSON values with spaces between them: the arguments of a message in a script. */
export function parseArguments(text: string): unknown[] {
  const values: string[] = [];
  let value = '';
  let depth = 0;
  let quoted = false;
  for (let i = 0; i <= text.length; i++) {
    const character = text[i] ?? ' ';
    if (character === ' ' && depth === 0 && !quoted) {
      if (value !== '') values.push(value);
      value = '';
      continue;
    }
    value += character;
    if (quoted && character === '\\') value += text[++i];
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '[' || character === '{')) depth++;
    else if (!quoted && (character === ']' || character === '}')) depth--;
  }
  return values.map((json) => JSON.parse(json) as unknown);
}

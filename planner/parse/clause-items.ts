/** Pieces that several clauses share: durations and WITH (name = value, …). */
import type { DurationSyntax, OptionSyntax } from './statement-syntax.ts';
import { stringConstant } from './string-constant.ts';
import { isName, isSymbol, isWord } from './token.ts';
import type { TokenCursor } from './token-cursor.ts';

const UNIT = /^(microsecond|millisecond|second|minute|hour|day|week|month|year)s?$/;

/** `INTERVAL '10' MINUTES`, `INTERVAL '10 minutes'`, `'10 minutes'`, `10 MINUTES`, `$1`. */
export function parseDuration(cursor: TokenCursor): DurationSyntax {
  const offset = cursor.offset;
  cursor.accept('interval');
  const token = cursor.peek();
  if (token?.kind === 'param') {
    cursor.next();
    return { kind: 'param', number: Number(token.value.slice(1)), offset };
  }
  if (token?.kind !== 'string' && token?.kind !== 'number') throw cursor.error();
  cursor.next();
  const unit = cursor.peek();
  if (unit?.kind === 'word' && UNIT.test(unit.value)) {
    cursor.next();
    return { kind: 'text', text: `${token.value} ${unit.value}`, offset };
  }
  if (token.kind === 'number') throw cursor.error();
  return { kind: 'text', text: token.value, offset };
}

/** `(name [= value], …)`; names may have dots (RisingWave's `properties.topic`). `SECRET name` is a value of connectors. */
export function parseOptionList(cursor: TokenCursor, ofConnector = false): readonly OptionSyntax[] {
  const options: OptionSyntax[] = [];
  cursor.expectSymbol('(');
  if (cursor.acceptSymbol(')')) return options;
  do {
    const offset = cursor.offset;
    let name = optionName(cursor);
    while (cursor.acceptSymbol('.')) name += `.${optionName(cursor)}`;
    const hasValue = cursor.acceptSymbol('=') || startsValue(cursor);
    if (hasValue && namesSecret(cursor)) {
      if (!ofConnector)
        throw cursor.errorAt(offset, '0A000', `option "${name}" takes no secret`, SECRET_HINT);
      cursor.next();
      options.push({ name: name.toLowerCase(), value: null, secret: cursor.qualifiedName(), offset });
      continue;
    }
    options.push({ name: name.toLowerCase(), value: hasValue ? optionValue(cursor) : null, offset });
  } while (cursor.acceptSymbol(','));
  cursor.expectSymbol(')');
  return options;
}

const SECRET_HINT = 'Secrets stand in options of connectors, in WITH (…) of CREATE STREAM.';

/** The word alone is a value like others. */
const namesSecret = (cursor: TokenCursor): boolean =>
  isWord(cursor.peek(), 'secret') && isName(cursor.peek(1));

const startsValue = (cursor: TokenCursor): boolean =>
  !isSymbol(cursor.peek(), ',') && !isSymbol(cursor.peek(), ')');

function optionName(cursor: TokenCursor): string {
  return cursor.peek()?.kind === 'string' ? cursor.next().value : cursor.name();
}

function optionValue(cursor: TokenCursor): string {
  if (isWord(cursor.peek(), 'interval')) {
    const duration = parseDuration(cursor);
    if (duration.kind === 'param')
      throw cursor.errorAt(duration.offset, '42601', 'options take no parameters');
    return duration.text;
  }
  const negative = cursor.acceptSymbol('-');
  const token = cursor.next();
  if (token.kind === 'symbol' || token.kind === 'param' || token.kind === 'broken') {
    cursor.index--;
    throw cursor.error();
  }
  if (token.kind === 'string') {
    const text = negative ? null : stringConstant(cursor.source, token);
    if (text !== null) return text;
    cursor.index--;
    throw cursor.error();
  }
  return negative ? `-${token.value}` : token.value;
}

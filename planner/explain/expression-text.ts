/** Bound expressions as EXPLAIN and DESCRIBE print them. */
import { formatType } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';

/** `names` are those of the input's columns. */
export function expressionText(e: Expression, names: readonly string[]): string {
  const go = (x: Expression): string => expressionText(x, names);
  const list = (args: readonly Expression[]): string => args.map(go).join(', ');
  switch (e.kind) {
    case 'column':
      return names[e.index] ?? `#${e.index}`;
    case 'constant':
      return constantText(e);
    case 'call':
      return callText(e.function, e.args.map(go), formatType(e.type));
    case 'and':
    case 'or':
      return `(${e.args.map(go).join(` ${e.kind.toUpperCase()} `)})`;
    case 'not':
      return `(NOT ${go(e.arg)})`;
    case 'is-null':
      return `(${go(e.arg)} IS ${e.negated ? 'NOT ' : ''}NULL)`;
    case 'is-truth':
      return `(${go(e.arg)} IS ${e.negated ? 'NOT ' : ''}${e.truth.toUpperCase()})`;
    case 'is-distinct':
      return `(${go(e.left)} IS ${e.negated ? 'NOT ' : ''}DISTINCT FROM ${go(e.right)})`;
    case 'in':
      return `(${go(e.arg)} ${e.negated ? 'NOT IN' : 'IN'} (${list(e.list)}))`;
    case 'case': {
      const branches = e.branches.map((b) => `WHEN ${go(b.when)} THEN ${go(b.then)}`).join(' ');
      return `CASE ${branches}${e.otherwise === null ? '' : ` ELSE ${go(e.otherwise)}`} END`;
    }
    case 'coalesce':
    case 'greatest':
    case 'least':
      return `${e.kind.toUpperCase()}(${list(e.args)})`;
    case 'now':
      return 'now()';
    case 'subquery-rows':
      return `sub-query ${e.index + 1}`;
    case 'subquery':
      return `(sub-query ${e.index + 1})`;
  }
}

const BARE = new Set(['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8']);

function constantText(e: Extract<Expression, { kind: 'constant' }>): string {
  if (e.text === null) return 'NULL';
  if (e.type.name === 'bool') return e.text === 't' ? 'true' : 'false';
  if (BARE.has(e.type.name) && /^-?[0-9.]+$/.test(e.text)) return e.text;
  const quoted = `'${e.text.replaceAll("'", "''")}'`;
  return e.type.name === 'text' ? quoted : `${quoted}::${formatType(e.type)}`;
}

function callText(key: string, args: readonly string[], type: string): string {
  const open = key.lastIndexOf('(', key.length - 1);
  const name = key.slice(0, key.startsWith('[](') ? 2 : open);
  const [first = '', second = ''] = args;
  if (name === 'cast') return `${first}::${type}`;
  if (name === '[]') return `${first}[${second}]`;
  if (name === 'array') return `ARRAY[${args.join(', ')}]`;
  if (/^[a-z_]/.test(name)) return `${name}(${args.join(', ')})`;
  return args.length === 1 ? `(${name} ${first})` : `(${first} ${name} ${second})`;
}

/** Which overload is meant: PostgreSQL's rules (its manual, sections 10.2 and 10.3; func_select_candidate). */
import type { TypeName } from '../../common/types.ts';
import { type Category, canCast, categoryOf, isPreferred } from './type-category.ts';

/** null = a literal or parameter whose type is open. */
export type ArgumentType = TypeName | null;

export type Candidate = Readonly<{ args: readonly TypeName[]; variadic: boolean }>;

export type Resolution<C> =
  | Readonly<{ kind: 'found'; candidate: C; args: readonly TypeName[] }>
  | Readonly<{ kind: 'none' }>
  | Readonly<{ kind: 'ambiguous' }>;

type Entry<C> = Readonly<{ candidate: C; args: readonly TypeName[] }>;

/** The argument types for this many arguments: a variadic's last one repeats. */
function argumentsOf(candidate: Candidate, count: number): readonly TypeName[] | null {
  const { args, variadic } = candidate;
  if (!variadic) return args.length === count ? args : null;
  const last = args.at(-1);
  if (last === undefined || count < args.length) return null;
  return [...args, ...Array.from({ length: count - args.length }, () => last)];
}

const accepts = (target: TypeName, given: ArgumentType): boolean =>
  given === null || canCast(given, target, 'implicit');

export function resolve<C extends Candidate>(
  candidates: readonly C[],
  given: readonly ArgumentType[],
): Resolution<C> {
  const entries: Entry<C>[] = [];
  for (const candidate of candidates) {
    const args = argumentsOf(candidate, given.length);
    if (args === null) continue;
    if (args.every((type, i) => type === given[i])) return { kind: 'found', candidate, args };
    if (args.every((type, i) => accepts(type, given[i] ?? null))) entries.push({ candidate, args });
  }
  const [first] = entries;
  if (first === undefined) return { kind: 'none' };
  if (entries.length === 1) return { kind: 'found', ...first };
  const chosen = select(entries, given);
  return chosen === null ? { kind: 'ambiguous' } : { kind: 'found', ...chosen };
}

/** Operators: an open side is first taken to be of the other side's type. */
export function resolveOperator<C extends Candidate>(
  candidates: readonly C[],
  left: ArgumentType,
  right: ArgumentType,
): Resolution<C> {
  if ((left === null) !== (right === null)) {
    const type = left ?? right;
    for (const candidate of candidates) {
      if (candidate.args.length === 2 && candidate.args.every((a) => a === type)) {
        return { kind: 'found', candidate, args: candidate.args };
      }
    }
  }
  return resolve(candidates, [left, right]);
}

function keepBest<C>(entries: readonly Entry<C>[], score: (entry: Entry<C>) => number): readonly Entry<C>[] {
  const best = Math.max(...entries.map(score));
  return entries.filter((entry) => score(entry) === best);
}

function select<C>(all: readonly Entry<C>[], given: readonly ArgumentType[]): Entry<C> | null {
  const known = given.flatMap((type, i) => (type === null ? [] : [{ type, i }]));
  let entries = keepBest(all, ({ args }) => known.filter(({ type, i }) => args[i] === type).length);
  if (entries.length > 1) {
    entries = keepBest(
      entries,
      ({ args }) =>
        known.filter(({ type, i }) => {
          const target = args[i];
          return (
            target === type ||
            (target !== undefined && isPreferred(target) && categoryOf(target) === categoryOf(type))
          );
        }).length,
    );
  }
  if (entries.length === 1) return entries[0] ?? null;
  const open = given.flatMap((type, i) => (type === null ? [i] : []));
  if (open.length === 0) return null;
  const narrowed = byCategory(entries, open);
  if (narrowed.length === 1) return narrowed[0] ?? null;
  const types = new Set(known.map(({ type }) => type));
  if (known.length === 0 || types.size !== 1) return null;
  const [type] = types;
  const fitting = narrowed.filter(({ args }) =>
    open.every((i) => type !== undefined && canCast(type, args[i] ?? type, 'implicit')),
  );
  const exact =
    fitting.length === 1 ? fitting : narrowed.filter(({ args }) => open.every((i) => args[i] === type));
  return exact.length === 1 ? (exact[0] ?? null) : null;
}

/** Open arguments take the string category if any candidate does, else the one all agree on; then preferred types. */
function byCategory<C>(entries: readonly Entry<C>[], open: readonly number[]): readonly Entry<C>[] {
  const slots: { i: number; category: Category; preferred: boolean }[] = [];
  for (const i of open) {
    const categories = new Set(entries.map(({ args }) => categoryOf(args[i] ?? 'text')));
    const category = categories.has('string')
      ? 'string'
      : categories.size === 1
        ? [...categories][0]
        : undefined;
    if (category === undefined) return entries;
    const preferred = entries.some(({ args }) => {
      const type = args[i];
      return type !== undefined && categoryOf(type) === category && isPreferred(type);
    });
    slots.push({ i, category, preferred });
  }
  const kept = entries.filter(({ args }) =>
    slots.every(({ i, category, preferred }) => {
      const type = args[i] ?? 'text';
      return categoryOf(type) === category && (!preferred || isPreferred(type));
    }),
  );
  return kept.length === 0 ? entries : kept;
}

/** $1 … $n: declared by the client, or inferred from where they first stand, as PostgreSQL does. */
import { SqlError } from '../../common/sql-error.ts';
import type { SqlType, TypeName } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { PlanContext } from '../statement.ts';
import { CANONICAL_SETTINGS, canonicalText, type LiteralSettings } from './literal.ts';
import type { HeldParameter, ParameterUse } from './parameter-use.ts';

export class Parameters {
  readonly #types: (TypeName | null)[];
  readonly #values: readonly (string | null)[] | undefined;
  readonly #settings: LiteralSettings;
  readonly #use: ParameterUse | null;
  #refusal: string | null = null;

  constructor(context: PlanContext, settings: LiteralSettings) {
    this.#types = [...context.parameterTypes];
    this.#values = context.parameterValues;
    this.#settings = settings;
    this.#use = context.parameterUse ?? null;
    // A text that comes without values must not be answered as if they were NULL.
    if (context.parameterValues?.length === 0)
      this.refuse('PREPARE and EXECUTE, or a driver, give it a value.');
  }

  /** Definitions hold no parameters: 42P02 in what follows. */
  refuse(where: string): void {
    this.#refusal = where;
  }

  get refusal(): string | null {
    return this.#refusal;
  }

  /** 42P02 where the text has parameters and came without values. */
  requireValues(count: number): void {
    if (count === 0 || this.#refusal === null) return;
    throw new SqlError('42P02', 'there is no parameter $1', { hint: this.#refusal });
  }

  get used(): boolean {
    return this.#types.length > 0;
  }

  get bound(): boolean {
    return this.#values !== undefined;
  }

  reference(number: number): void {
    while (this.#types.length < number) this.#types.push(null);
  }

  type(number: number): TypeName | null {
    return this.#types[number - 1] ?? null;
  }

  setType(number: number, type: TypeName): void {
    this.#types[number - 1] ??= type;
  }

  /** The parameter as a constant: NULL while only described. */
  value(number: number, type: SqlType): Expression {
    return this.#constant({ number, readAs: type.name, type });
  }

  /** A parameter's constant of an exact number, in a type that its text reads in as well; null: it is no parameter's. */
  widened(constant: Expression, target: TypeName): Expression | null {
    const parameter = this.#use?.parameterOf(constant);
    return parameter === undefined ? null : this.#constant({ ...parameter, type: { name: target } });
  }

  #constant(parameter: HeldParameter): Expression {
    const text = parameterText(parameter, this.#values, this.#settings);
    return this.#use?.constant(parameter, text) ?? { kind: 'constant', text, type: parameter.type };
  }

  rawValue(number: number): string | null | undefined {
    this.#use?.read.add(number);
    return this.#values?.[number - 1];
  }

  /** Declared types for the client; 42P18 where nothing tells. */
  resolved(count: number): readonly SqlType[] {
    while (this.#types.length < count) this.#types.push(null);
    return this.#types.map((name, i) => {
      if (name === null) throw new SqlError('42P18', `could not determine data type of parameter $${i + 1}`);
      return { name };
    });
  }
}

/** 22P02, 22003, 22007 … where the value is none of the type. */
export function parameterText(
  { number, readAs, type }: HeldParameter,
  values: readonly (string | null)[] | undefined,
  settings: LiteralSettings,
): string | null {
  const value = values?.[number - 1] ?? null;
  if (value === null) return null;
  const text = canonicalText(value, readAs, settings);
  return type.name === readAs ? text : canonicalText(text, type.name, CANONICAL_SETTINGS);
}

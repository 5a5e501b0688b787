/** $1 … $n: declared by the client, or inferred from where they first stand, as PostgreSQL does. */
import { SqlError } from '../../common/sql-error.ts';
import type { SqlType, TypeName } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { PlanContext } from '../statement.ts';
import { canonicalText, type LiteralSettings } from './literal.ts';

export class Parameters {
  readonly #types: (TypeName | null)[];
  readonly #values: readonly (string | null)[] | undefined;
  readonly #settings: LiteralSettings;
  #refusal: string | null = null;

  constructor(context: PlanContext, settings: LiteralSettings) {
    this.#types = [...context.parameterTypes];
    this.#values = context.parameterValues;
    this.#settings = settings;
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
    const text = this.#values?.[number - 1] ?? null;
    return {
      kind: 'constant',
      text: text === null ? null : canonicalText(text, type.name, this.#settings),
      type,
    };
  }

  rawValue(number: number): string | null | undefined {
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

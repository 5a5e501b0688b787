/** What the code of one kind of expression needs of the generator: its parts' code, constants, and where to write. */
import type { SqlError } from '../../common/sql-error.ts';
import type { SqlType } from '../../common/types.ts';
import type { Expression } from '../plan/expression.ts';
import type { EvaluationContext } from './implementation.ts';
import type { KernelColumns } from './kernel-columns.ts';
import type { KernelVariant, KernelWriter, Operand } from './kernel-writer.ts';

export type GeneratorOptions = Readonly<{ context: EvaluationContext; subqueryValues: readonly unknown[] }>;

export interface Emitter {
  readonly options: GeneratorOptions;
  readonly variant: KernelVariant;
  readonly writer: KernelWriter;
  readonly columns: KernelColumns;
  /** Writes the expression's code; gives the names of its value and NULL flag. */
  emit(e: Expression): Operand;
  /** NULL of the type. */
  nothing(type: SqlType): Operand;
  constant(datum: unknown, type: SqlType): Operand;
  /** A datum as this variant's loops hold it. */
  held(datum: unknown, type: SqlType): unknown;
  /** The row that comes here fails. */
  fail(error: SqlError): void;
}

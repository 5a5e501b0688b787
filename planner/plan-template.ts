/** A statement planned once, for all values of those parameters that its plan does not depend on. */
import { literalSettings } from './bind/literal.ts';
import { filled, type HeldParameter, type ParameterUse, type Places } from './bind/parameter-use.ts';
import { parameterText } from './bind/parameters.ts';
import { pointReadsOf } from './point-reads.ts';
import type { PlanContext, Planned, PointReads } from './statement.ts';

export class PlanTemplate {
  /** Numbers of the parameters whose values the plan depends on, ascending. */
  readonly read: readonly number[];
  readonly #planned: Planned;
  readonly #places: Places;
  readonly #held: readonly HeldParameter[];
  readonly #pointReads: PointReads | null;

  private constructor(planned: Planned, use: ParameterUse, places: Places) {
    this.read = [...use.read].sort((a, b) => a - b);
    this.#planned = planned;
    this.#places = places;
    this.#held = use.held;
    const { statement } = planned;
    // what the values decide beyond the choice of rows is another query for each of them
    this.#pointReads =
      statement.kind === 'query' && use.read.size === 0 ? pointReadsOf(statement.plan, use) : null;
  }

  /** Of a statement planned with this use of its parameters; null: other values need a plan of their own. */
  static of(planned: Planned, use: ParameterUse): PlanTemplate | null {
    const places = planned.repeatable === true ? use.placesIn(planned.statement) : null;
    return places === null ? null : new PlanTemplate(planned, use, places);
  }

  /** With the context's values. 22P02, 22003, 22007 … where one is none of its type. */
  planned(context: PlanContext): Planned {
    const { settings, parameterValues } = context;
    let readsNow = false;
    const literals = literalSettings(
      settings.get('timezone') ?? 'UTC',
      settings.get('datestyle') ?? 'ISO, MDY',
      () => {
        readsNow = true;
        return context.now;
      },
    );
    const constants = this.#held.map((parameter) => ({
      kind: 'constant' as const,
      text: parameterText(parameter, parameterValues, literals),
      type: parameter.type,
    }));
    const statement = filled(this.#planned.statement, this.#places, constants);
    const reads = this.#pointReads;
    const planned = { ...this.#planned, statement, repeatable: !readsNow };
    if (reads === null) return planned;
    return { ...planned, pointRead: { reads, keys: reads.keys.map((index) => constants[index]!.text) } };
  }
}

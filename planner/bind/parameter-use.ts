/**
 * Which values of parameters a plan was made for, and where it only holds them: there others may stand, and the plan
 * needs no planning again. Whoever reads a constant's text while planning is noticed, so nothing has to say that it does.
 */
import type { SqlType, TypeName } from '../../common/types.ts';
import type { Constant } from '../../runtime/plan/key-constants.ts';

/** A parameter's value where it is a constant: read as `readAs`, in the session's settings, and as `type` after that. */
export type HeldParameter = Readonly<{ number: number; readAs: TypeName; type: SqlType }>;

export class ParameterUse {
  /** Numbers of the parameters that the plan depends on. */
  readonly read = new Set<number>();
  readonly #held = new Map<object, HeldParameter>();

  get held(): readonly HeldParameter[] {
    return [...this.#held.values()];
  }

  constant(parameter: HeldParameter, text: string | null): Constant {
    const { read } = this;
    const constant: Constant = {
      kind: 'constant',
      get text() {
        read.add(parameter.number);
        return text;
      },
      type: parameter.type,
    };
    this.#held.set(constant, parameter);
    return constant;
  }

  parameterOf(constant: object): HeldParameter | undefined {
    return this.#held.get(constant);
  }

  /** Where the held parameters stand in plain data; null: it isn't plain, and may hold them where nobody looks. */
  placesIn(data: unknown): Places | null {
    if (typeof data !== 'object' || data === null) return NOWHERE;
    const parameter = this.#held.get(data);
    if (parameter !== undefined) return { kind: 'value', index: this.held.indexOf(parameter) };
    if (!Array.isArray(data) && Object.getPrototypeOf(data) !== Object.prototype) return null;
    const within: [string, Places][] = [];
    for (const [key, value] of Object.entries(data)) {
      const places = this.placesIn(value);
      if (places === null) return null;
      if (places !== NOWHERE) within.push([key, places]);
    }
    return within.length === 0 ? NOWHERE : { kind: 'within', within };
  }

  /** Whether a held parameter stands anywhere in it, for all that can be seen. */
  isIn(data: unknown): boolean {
    return this.placesIn(data) !== NOWHERE;
  }
}

const NOWHERE = { kind: 'within', within: [] } as const;

/** Where in plain data the held parameters stand, by their index. */
export type Places =
  | Readonly<{ kind: 'value'; index: number }>
  | Readonly<{ kind: 'within'; within: readonly (readonly [string, Places])[] }>;

/** A copy with these constants in their places; what has none in it is shared. */
export function filled<T>(data: T, places: Places, constants: readonly Constant[]): T {
  if (places.kind === 'value') return constants[places.index] as T;
  if (places.within.length === 0) return data;
  const copy = (Array.isArray(data) ? [...data] : { ...data }) as Record<string, unknown>;
  for (const [key, within] of places.within) copy[key] = filled(copy[key], within, constants);
  return copy as T;
}

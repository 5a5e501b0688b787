import type { TypeName } from '../../../common/types.ts';
import type { FunctionSignature, Volatility } from '../signature.ts';

type Kind = FunctionSignature['kind'];
type Extras = Readonly<{
  volatility?: Volatility;
  strict?: boolean;
  variadic?: boolean;
  castContext?: 'implicit' | 'assignment' | 'explicit';
}>;

/** One entry of the table; immutable and strict unless said otherwise. */
export function signature(
  kind: Kind,
  name: string,
  args: readonly TypeName[],
  result: TypeName,
  extras: Extras = {},
): FunctionSignature {
  const plain = {
    key: `${name}(${args.join(',')})`,
    name,
    kind,
    args,
    variadic: extras.variadic ?? false,
    result,
    strict: extras.strict ?? true,
    volatility: extras.volatility ?? 'immutable',
  } as const;
  return extras.castContext === undefined ? plain : { ...plain, castContext: extras.castContext };
}

/** Reads `int2,int4:int2  date,int4:date`: overloads with blanks between, arguments, a colon, the result. */
export function overloads(
  kind: Kind,
  name: string,
  text: string,
  extras: Extras = {},
): readonly FunctionSignature[] {
  return text
    .split(/\s+/)
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [args = '', result = ''] = entry.split(':');
      const types = args === '' ? [] : (args.split(',') as TypeName[]);
      return signature(kind, name, types, result as TypeName, extras);
    });
}

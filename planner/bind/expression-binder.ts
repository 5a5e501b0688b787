/** Expressions of the tree to typed expressions over the SELECT's input. Every user error has its position. */
import type { A_Const, ColumnRef, Node, TypeCast } from 'libpg-query';
import { elementTypeName, isArrayType, type SqlType, type TypeName } from '../../common/types.ts';
import { BOOL, type Expression } from '../../runtime/plan/expression.ts';
import type { BindingContext } from './binding-context.ts';
import { type Bound, column, openLiteral, typed } from './bound.ts';
import type { Clause, Origins } from './clause.ts';
import { castExplicitly, coerceAll, coerceTo, coerceToBoolean, readLiteral } from './coerce.ts';
import type { BindEnvironment } from './environment.ts';
import { bindFunctionCall } from './function-calls.ts';
import { bindOperatorExpression } from './operators.ts';
import { writeOutUnits } from './interval-range.ts';
import type { ColumnMatch, Scope } from './scope.ts';
import { bindCase, bindCurrentValue, bindSubscript } from './special-forms.ts';
import { bindSubquery } from './subquery.ts';
import { kindOf, leftmostLocation, stringOf } from './tree.ts';
import { intervalField, resolveType } from './type-names.ts';

/** The protocol counts parameters in 16 bits. */
const PARAMETERS_MAX = 65_535;

/** PostgreSQL's tables have them; editors ask for them where there is no primary key. */
const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);

export class ExpressionBinder {
  readonly context: BindingContext;
  readonly scope: Scope;
  readonly clause: Clause;
  readonly origins: Origins;
  readonly environment: BindEnvironment;

  constructor(
    context: BindingContext,
    scope: Scope,
    clause: Clause,
    origins: Origins,
    environment: BindEnvironment,
  ) {
    this.context = context;
    this.scope = scope;
    this.clause = clause;
    this.origins = origins;
    this.environment = environment;
  }

  within(clause: Clause): ExpressionBinder {
    return new ExpressionBinder(this.context, this.scope, clause, this.origins, this.environment);
  }

  bind(node: Node): Bound {
    if ('ColumnRef' in node) return this.#column(node.ColumnRef);
    if ('A_Const' in node) return this.#constant(node.A_Const);
    if ('ParamRef' in node) return this.#parameter(node.ParamRef.number ?? 0, node.ParamRef.location ?? 0);
    if ('TypeCast' in node) return this.#cast(node.TypeCast, node);
    if ('A_Expr' in node) return bindOperatorExpression(this, node.A_Expr, node);
    if ('BoolExpr' in node) return this.#boolean(node);
    if ('FuncCall' in node) return bindFunctionCall(this, node.FuncCall);
    if ('NullTest' in node) {
      const arg = this.bind(node.NullTest.arg as Node);
      if (arg.open?.kind === 'parameter') {
        throw this.context.error(
          arg.location,
          '42P18',
          `could not determine data type of parameter $${arg.open.number}`,
        );
      }
      const negated = node.NullTest.nulltesttype === 'IS_NOT_NULL';
      const operand = arg.open === null ? arg.expression : coerceTo(this.context, arg, 'text');
      return typed({ kind: 'is-null', arg: operand, negated, type: BOOL }, leftmostLocation(node));
    }
    if ('BooleanTest' in node) return this.#truth(node);
    if ('CaseExpr' in node) return bindCase(this, node.CaseExpr);
    if ('CoalesceExpr' in node) {
      const { items, type } = this.#common(node.CoalesceExpr.args, 'COALESCE');
      return typed({ kind: 'coalesce', args: items, type }, node.CoalesceExpr.location ?? 0);
    }
    if ('MinMaxExpr' in node) {
      const kind = node.MinMaxExpr.op === 'IS_GREATEST' ? 'greatest' : 'least';
      const { items, type } = this.#common(node.MinMaxExpr.args, kind.toUpperCase());
      return typed({ kind, args: items, type }, node.MinMaxExpr.location ?? 0);
    }
    if ('SQLValueFunction' in node) return bindCurrentValue(this, node.SQLValueFunction);
    if ('SubLink' in node) return bindSubquery(this, node.SubLink);
    if ('A_ArrayExpr' in node)
      return this.#array(node.A_ArrayExpr.elements ?? [], node.A_ArrayExpr.location ?? 0);
    if ('A_Indirection' in node) return bindSubscript(this, node.A_Indirection, node);
    if ('CollateClause' in node) return this.#collate(node);
    if ('SetToDefault' in node) {
      throw this.context.error(node.SetToDefault.location, '42601', 'DEFAULT is not allowed in this context');
    }
    throw this.refuse(node);
  }

  /** A condition of WHERE, HAVING, FILTER, CASE WHEN. */
  bindBoolean(node: Node, clause: string): Expression {
    return coerceToBoolean(this.context, this.bind(node), clause);
  }

  refuse(node: Node): Error {
    const names: Readonly<Record<string, string>> = {
      RowExpr: 'row constructors outside comparisons are not supported',
      GroupingFunc: 'GROUPING is not supported',
      XmlExpr: 'XML functions are not supported',
      CurrentOfExpr: 'WHERE CURRENT OF is not supported',
      NamedArgExpr: 'named arguments are not supported here',
    };
    const kind = kindOf(node);
    const message =
      names[kind] ??
      (kind.startsWith('Json') ? 'SQL/JSON functions are not supported' : `${kind} is not supported`);
    return this.context.error(leftmostLocation(node), '0A000', message);
  }

  #common(args: readonly Node[] | undefined, clause: string) {
    return coerceAll(
      this.context,
      (args ?? []).map((a) => this.bind(a)),
      clause,
    );
  }

  #column(ref: ColumnRef): Bound {
    const fields = ref.fields ?? [];
    const location = ref.location ?? 0;
    if (fields.some((f) => 'A_Star' in f)) {
      throw this.context.error(location, '0A000', 'row expansion via "*" is not supported here');
    }
    const names = fields.map(stringOf);
    const name = names.at(-1) ?? '';
    const alias = names.at(-2) ?? null;
    const schema = names.at(-3) ?? null;
    const match =
      alias === null ? this.scope.findColumn(name) : this.scope.findQualified(schema, alias, name);
    if (match.kind !== 'column') throw this.#missing(match, names, location);
    const expression = column(match.column.index, match.column.type);
    const shown = `${match.relation.alias === '' ? '' : `${match.relation.alias}.`}${name}`;
    this.origins.set(expression, { name: shown, location });
    return typed(expression, location);
  }

  #missing(match: ColumnMatch, names: readonly string[], location: number): Error {
    const name = names.at(-1) ?? '';
    const alias = names.at(-2) ?? null;
    const shown = alias === null ? `"${name}"` : `${alias}.${name}`;
    if (match.kind === 'ambiguous') {
      return this.context.error(location, '42702', `column reference "${name}" is ambiguous`);
    }
    this.#refuseOuter(names, location);
    if (match.kind === 'relation-missing' && alias !== null) return this.#missingRelation(alias, location);
    if (alias === null && this.scope.findRelation(null, name) !== undefined) {
      return this.context.error(
        location,
        '0A000',
        'whole-row references are not supported',
        `Write ${name}.* in the select list, or name the columns.`,
      );
    }
    if (SYSTEM_COLUMNS.has(name)) {
      return this.context.error(
        location,
        '0A000',
        `system column "${name}" is not supported`,
        'Rows are told apart by their primary key.',
      );
    }
    return this.context.error(
      location,
      '42703',
      `column ${shown} does not exist`,
      this.scope.suggestion(name, alias),
    );
  }

  #refuseOuter(names: readonly string[], location: number): void {
    const name = names.at(-1) ?? '';
    const alias = names.at(-2) ?? null;
    for (let outer = this.scope.outer; outer !== null; outer = outer.outer) {
      const match = alias === null ? outer.findColumn(name) : outer.findQualified(null, alias, name);
      if (match.kind === 'column') {
        throw this.context.error(
          location,
          '0A000',
          'correlated sub-queries are not supported',
          'Join with the relation instead, or make the sub-query independent of the outer row.',
        );
      }
    }
  }

  #missingRelation(alias: string, location: number): Error {
    const hidden = this.scope.relations.find((r) => r.original === alias);
    if (hidden !== undefined) {
      return this.context.error(
        location,
        '42P01',
        `invalid reference to FROM-clause entry for table "${alias}"`,
        `Perhaps you meant to reference the table alias "${hidden.alias}".`,
      );
    }
    return this.context.error(location, '42P01', `missing FROM-clause entry for table "${alias}"`);
  }

  #constant(node: A_Const): Bound {
    const location = node.location ?? 0;
    const constant = (name: TypeName, text: string): Bound =>
      typed({ kind: 'constant', text, type: { name } }, location);
    if (node.isnull === true) return openLiteral(null, location);
    if (node.ival !== undefined) return constant('int4', String(node.ival.ival ?? 0));
    if (node.boolval !== undefined) return constant('bool', node.boolval.boolval === true ? 't' : 'f');
    if (node.sval !== undefined) return openLiteral(node.sval.sval ?? '', location);
    if (node.fval !== undefined) return this.#number(node.fval.fval ?? '0', location);
    throw this.context.error(location, '0A000', 'bit strings are not supported');
  }

  /** Digits that fit int8 are int8, everything else is numeric. */
  #number(text: string, location: number): Bound {
    const plain = text.replaceAll('_', '');
    if (/^-?(\d+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(plain)) {
      const negative = plain.startsWith('-');
      const value = BigInt(negative ? plain.slice(1) : plain) * (negative ? -1n : 1n);
      if (BigInt.asIntN(64, value) === value) {
        return typed({ kind: 'constant', text: value.toString(), type: { name: 'int8' } }, location);
      }
    }
    return typed(readLiteral(this.context, plain, 'numeric', location), location);
  }

  #parameter(number: number, location: number): Bound {
    const { parameters } = this.context;
    if (parameters.refusal !== null) {
      throw this.context.error(location, '42P02', `there is no parameter $${number}`, parameters.refusal);
    }
    if (number < 1 || number > PARAMETERS_MAX) {
      throw this.context.error(location, '42P02', `there is no parameter $${number}`);
    }
    parameters.reference(number);
    const name = parameters.type(number);
    if (name !== null) return typed(parameters.value(number, { name }), location);
    const open = { kind: 'parameter', number } as const;
    return { expression: { kind: 'constant', text: null, type: { name: 'text' } }, open, location };
  }

  #cast(cast: TypeCast, node: Node): Bound {
    const typeName = cast.typeName ?? {};
    const target = resolveType(
      typeName,
      (location, code, message, hint) => this.context.error(location, code, message, hint),
      (name) => this.context.catalog.schema(name) !== undefined,
    );
    const arg = cast.arg as Node;
    const location = leftmostLocation(node);
    if ('A_ArrayExpr' in arg && isArrayType(target.name)) {
      return this.#array(arg.A_ArrayExpr.elements ?? [], location, {
        ...target,
        name: elementTypeName(target.name),
      });
    }
    let bound = this.bind(arg);
    if (target.name === 'interval' && bound.open?.kind === 'literal' && bound.open.text !== null) {
      const field = intervalField(typeName);
      const units = field === 'range' ? writeOutUnits(typeName, bound.open.text) : null;
      if (field === 'range' && units === null) {
        throw this.context.error(
          typeName.location,
          '0A000',
          `interval literal "${bound.open.text}" does not have the fields of INTERVAL … TO …`,
          "Write the units out: INTERVAL '1 day 2 hours'.",
        );
      }
      if (units !== null) bound = openLiteral(units, bound.location);
      else if (field !== null)
        bound = openLiteral(this.#inField(bound.open.text, field, typeName.location), bound.location);
    }
    const at = (cast.location ?? 0) >= 0 ? (cast.location ?? 0) : (typeName.location ?? 0);
    const result = castExplicitly(this.context, bound, target, at);
    return typed(result.expression, location);
  }

  /** INTERVAL '10' MINUTE: a number counts the field, and what is smaller than the field is cut. */
  #inField(text: string, field: string, location: number | undefined): string {
    const number = /^\s*([-+]?\d*)(\.\d*)?\s*$/.exec(text);
    if (number !== null)
      return field === 'second' ? `${text} second` : `${number[1] === '' ? '0' : number[1]} ${field}`;
    if (field === 'second') return text;
    throw this.context.error(
      location,
      '0A000',
      `INTERVAL '…' ${field.toUpperCase()} takes a number only`,
      "Write the units into the literal: INTERVAL '1 day 2 hours'.",
    );
  }

  #boolean(node: Extract<Node, { BoolExpr: unknown }>): Bound {
    const { boolop, args = [] } = node.BoolExpr;
    const location = leftmostLocation(node);
    const kind = boolop === 'AND_EXPR' ? 'and' : boolop === 'OR_EXPR' ? 'or' : 'not';
    const bound = args.map((a) => this.bindBoolean(a, kind.toUpperCase()));
    const [first] = bound;
    if (kind === 'not' && first !== undefined) return typed({ kind, arg: first, type: BOOL }, location);
    return typed({ kind: kind === 'not' ? 'and' : kind, args: bound, type: BOOL }, location);
  }

  #truth(node: Extract<Node, { BooleanTest: unknown }>): Bound {
    const test = node.BooleanTest.booltesttype ?? 'IS_TRUE';
    const words = test.split('_');
    const truth = (words.at(-1) ?? 'TRUE').toLowerCase() as 'true' | 'false' | 'unknown';
    const arg = this.bindBoolean(node.BooleanTest.arg as Node, test.replaceAll('_', ' '));
    const negated = words[1] === 'NOT';
    return typed({ kind: 'is-truth', arg, truth, negated, type: BOOL }, leftmostLocation(node));
  }

  #array(elements: readonly Node[], location: number, element: SqlType | null = null): Bound {
    if (elements.length === 0 && element === null) {
      throw this.context.error(
        location,
        '42P18',
        'cannot determine type of empty array',
        'Explicitly cast to the desired type, for example ARRAY[]::integer[].',
      );
    }
    const bound = elements.map((e) => this.bind(e));
    const { items, type } =
      element === null
        ? coerceAll(this.context, bound, 'ARRAY')
        : {
            items: bound.map((b) => castExplicitly(this.context, b, element, b.location).expression),
            type: element,
          };
    if (isArrayType(type.name))
      throw this.context.error(location, '0A000', 'arrays of arrays are not supported');
    const scalar = elementTypeName(type.name);
    const arrayType: SqlType = { name: `_${scalar}` };
    if (items.length === 0) return typed({ kind: 'constant', text: '{}', type: arrayType }, location);
    return typed({ kind: 'call', function: `array(${scalar})`, args: items, type: arrayType }, location);
  }

  #collate(node: Extract<Node, { CollateClause: unknown }>): Bound {
    const name = (node.CollateClause.collname ?? []).map(stringOf).at(-1) ?? '';
    const arg = this.bind(node.CollateClause.arg as Node);
    if (!['C', 'POSIX', 'default', 'ucs_basic'].includes(name)) {
      throw this.context.error(
        node.CollateClause.location,
        '0A000',
        `collation "${name}" is not supported`,
        'All text is compared by its bytes (COLLATE "C").',
      );
    }
    return arg.open === null ? arg : typed(coerceTo(this.context, arg, 'text'), arg.location);
  }
}

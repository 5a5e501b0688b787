/** CREATE SECRET and ALTER SECRET … AS: the value is encrypted when the statement runs. 42710, 22023, 54000, 42501. */
import { SECRET_BYTES_MAX, SECRETS_MAX } from '../../common/limits.ts';
import { secretsOf } from '../../runtime/plan/relation.ts';
import type { SecretDefinition } from '../../runtime/plan/secret.ts';
import { ownedFromNow, requireOwner } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import type { OptionSyntax, StatementSyntax } from '../parse/statement-syntax.ts';
import { unknownOption } from '../physical/query-options.ts';
import type { Planned, SecretValue } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { newQualifiedName } from './names.ts';
import { findSecret, missingSecret, requireFreeSecretName, requireSecret } from './secret-name.ts';

type CreateSecret = Extract<StatementSyntax, { kind: 'create-secret' }>;
type AlterSecret = Extract<StatementSyntax, { kind: 'alter-secret' }>;

export function planCreateSecret(context: StatementContext, syntax: CreateSecret): Planned {
  const { binding } = context;
  const tag = 'CREATE SECRET';
  const { value } = syntax;
  const name = newQualifiedName(binding, syntax.name);
  requireBackend(binding, syntax.options);
  requireSize(binding, value);
  if (syntax.ifNotExists && binding.catalog.secret(name.schema, name.name) !== undefined) {
    const notice = `secret "${name.name}" already exists, skipping`;
    return planned(context, { kind: 'nothing', tag, notice, noticeCode: '42710' });
  }
  requireFreeSecretName(binding, name);
  requireRoom(binding);
  const object: SecretDefinition = {
    kind: 'secret',
    oid: binding.catalog.allocateOid(),
    ...name,
    comment: null,
    ...ownedFromNow(binding, name.schema, 'secret'),
    sealed: '',
    createdAt: binding.plan.now,
    alteredAt: null,
  };
  return planned(context, { kind: 'create', object, replaces: null, value, tag });
}

export function planAlterSecret(context: StatementContext, syntax: AlterSecret): Planned {
  const { binding } = context;
  const tag = 'ALTER SECRET';
  const { value, missingOk } = syntax;
  const { schema, name, offset } = syntax.name;
  requireBackend(binding, syntax.options);
  requireSize(binding, value);
  if (missingOk && findSecret(binding, schema, name) === null) {
    const notice = `${missingSecret(schema, name)}, skipping`;
    return planned(context, { kind: 'nothing', tag, notice, noticeCode: '00000' });
  }
  const secret = requireSecret(binding, schema, name, offset);
  requireOwner(binding, secret);
  const object: SecretDefinition = { ...secret, sealed: '', alteredAt: binding.plan.now };
  if ([...binding.catalog.objects()].some((other) => secretsOf(other).includes(secret.oid))) {
    const message = `what uses secret "${name}" takes the new value when it next connects`;
    binding.gathered.notices.push({ severity: 'NOTICE', code: '00000', message });
  }
  return planned(context, { kind: 'alter', objects: [object], value, tag });
}

/** RisingWave keeps secrets in other places too. */
function requireBackend(binding: BindingContext, options: readonly OptionSyntax[]): void {
  const [, second] = options;
  if (second?.name === 'backend')
    throw binding.errorAtOffset(second.offset, '42601', 'option "backend" specified more than once');
  for (const option of options) {
    if (option.name !== 'backend') throw unknownOption(binding, option, ['backend']);
    if (option.value?.toLowerCase() === 'meta') continue;
    throw binding.errorAtOffset(
      option.offset,
      '22023',
      'unrecognized backend of a secret',
      "The one there is is 'meta': the server's own catalog, encrypted.",
    );
  }
}

function requireSize(binding: BindingContext, { secret, encoding }: SecretValue): void {
  if (Buffer.byteLength(secret.reveal(), encoding) <= SECRET_BYTES_MAX) return;
  throw binding.error(-1, '54000', `a secret is larger than ${SECRET_BYTES_MAX} bytes`);
}

function requireRoom(binding: BindingContext): void {
  let count = 0;
  for (const { kind } of binding.catalog.objects()) if (kind === 'secret') count++;
  if (count < SECRETS_MAX) return;
  throw binding.error(
    -1,
    '54000',
    `there are ${SECRETS_MAX} secrets already`,
    'Drop some that nothing uses.',
  );
}

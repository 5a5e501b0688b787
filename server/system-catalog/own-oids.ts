/**
 * OIDs of what our catalog has no number for, but PostgreSQL's has. The catalog counts from 16384 upwards; these ranges
 * lie far above it and below 2³¹, which every client can hold.
 */
import type { Oid } from '../../runtime/plan/relation.ts';

/** Row type and primary key index of a relation: its own OID and this. */
export const ROW_TYPE_BASE = 1_000_000_000;
export const PRIMARY_KEY_BASE = 1_100_000_000;
/** Column defaults, constraints, rules, memberships: numbered as they come. */
export const NUMBERED_BASE = 1_200_000_000;
/** Functions of the mirror that answer in the place of PostgreSQL's. */
export const OWN_FUNCTION_BASE = 1_700_000_000;
/** Schema millrace and its views. */
export const SYSTEM_SCHEMA_OID: Oid = 1_900_000_000;
/** Users without a role, while nobody has a password. */
export const STUB_ROLE_BASE = 1_950_000_000;

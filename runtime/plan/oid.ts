/** Identifies an object for good: persistent, never reused. */
export type Oid = number;

/** Objects of users start here. */
export const FIRST_USER_OID: Oid = 16384;

/** Whence a client comes, and how it must show who it is. */
export type Peer = Readonly<{
  /** as `plainAddress` gives it */
  address: string;
  tls: boolean;
}>;

export type LoginMethod = 'trust' | 'scram-sha-256';

import { readFileSync } from 'node:fs';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** A user of this machine, as /etc/passwd has it. */
export function findAccount(name: string): Account | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

export function readAccount(name: string): Account {
  const account = findAccount(name);
  if (account === undefined) throw new Error(`this machine has no user ${name}`);
  return account;
}

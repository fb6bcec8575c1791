/**
 * Tokens that carry what they say, like Keystone's fernet tokens: no table remembers them, and whoever has one is known in every
 * process that opened the world.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from '../../plan/zod.ts';
import { readMeta, type World } from '../world.ts';

const caller = z.object({
  user: z.string(),
  userName: z.string(),
  /** null for a token of the whole system */
  project: z.string().nullable(),
  roles: z.array(z.string()),
  /** milliseconds since 1970 */
  expires: z.number(),
});

/** Who asks, as the middleware `auth_token` tells a service. */
export type Caller = Readonly<z.infer<typeof caller>>;

/** Keystone's default `[token]expiration`. `keystone.token_seconds` of the world changes it. */
const LIFETIME_S = 3600;

export function tokenExpiry(world: World): Date {
  const seconds = Number(readMeta(world, 'keystone.token_seconds') ?? LIFETIME_S);
  return new Date(world.now().getTime() + seconds * 1000);
}

export function issueToken(who: Caller): string {
  const payload = Buffer.from(JSON.stringify(who)).toString('base64url');
  return `gAAAAA${payload}.${sign(payload)}`;
}

/** @returns null for a token that this cloud did not issue, or that ran out */
export function readToken(world: World, token: string | undefined): Caller | null {
  const parts = /^gAAAAA([\w-]+)\.([\w-]+)$/.exec(token ?? '');
  const [, payload = '', signature = ''] = parts ?? [];
  const right = sign(payload);
  if (signature.length !== right.length || !timingSafeEqual(Buffer.from(signature), Buffer.from(right)))
    return null;
  const who = caller.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  return who.expires > world.now().getTime() ? who : null;
}

/** Not a secret: it keeps a mistyped token from being taken for a real one. Nothing is behind it that wants protection. */
function sign(payload: string): string {
  return createHmac('sha256', 'simulated cloud').update(payload).digest('base64url');
}

/** `context_is_admin` of every service: the role `admin`, in any case of letters (oslo.policy `_checks.py:RoleCheck`). */
export function isAdmin(who: Caller): boolean {
  return who.roles.some((role) => role.toLowerCase() === 'admin');
}

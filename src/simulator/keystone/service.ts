/** Keystone, as far as a login goes (keystone 22, Zed). */
import { randomBytes } from 'node:crypto';
import * as z from '../../plan/zod.ts';
import { type Answer, type Asked, notTaught } from '../http/exchange.ts';
import type { World } from '../world.ts';
import {
  type Account,
  findCredential,
  findProject,
  findUser,
  type Named,
  PASSWORD,
  type Project,
  rolesOf,
} from './accounts.ts';
import { makeCatalog } from './catalog.ts';
import { issueToken, tokenExpiry } from './tokens.ts';

const DOMAIN = z.union([z.strictObject({ id: z.string() }), z.strictObject({ name: z.string() })]);
const NAMED = z.union([
  z.strictObject({ id: z.string() }),
  z.strictObject({ name: z.string(), domain: DOMAIN }),
]);
const PASSWORD_USER = z.union([
  z.strictObject({ id: z.string(), password: z.string() }),
  z.strictObject({ name: z.string(), domain: DOMAIN, password: z.string() }),
]);

const LOGIN = z.strictObject({
  auth: z.strictObject({
    identity: z.union([
      z.strictObject({
        methods: z.tuple([z.literal('password')]),
        password: z.strictObject({ user: PASSWORD_USER }),
      }),
      z.strictObject({
        methods: z.tuple([z.literal('application_credential')]),
        application_credential: z.union([
          z.strictObject({ secret: z.string(), id: z.string() }),
          z.strictObject({ secret: z.string(), name: z.string(), user: NAMED }),
        ]),
      }),
    ]),
    scope: z
      .union([
        z.strictObject({ system: z.strictObject({ all: z.literal(true) }) }),
        z.strictObject({ project: NAMED }),
      ])
      .optional(),
  }),
});

type Login = z.infer<typeof LOGIN>['auth'];

interface Granted {
  readonly method: string;
  readonly user: Account;
  /** null for the whole system */
  readonly project: Project | null;
  readonly roles: readonly Named[];
}

export function answerIdentity(world: World, asked: Asked): Answer {
  const headers = { 'x-openstack-request-id': asked.requestId, vary: 'X-Auth-Token' };
  const answer = route(world, asked);
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

function route(world: World, asked: Asked): Answer {
  if (asked.method === 'GET' && /^\/v3\/?$/.test(asked.path)) return { status: 200, body: versionOf(asked) };
  if (asked.method !== 'POST' || asked.path !== '/v3/auth/tokens')
    return fault(501, 'Not Implemented', notTaught(asked));
  const login = LOGIN.safeParse(asked.body);
  if (!login.success)
    return fault(
      501,
      'Not Implemented',
      notTaught(asked, `a login with ${describe(login.error.issues[0], asked.body)}`),
    );
  const { identity, scope } = login.data.auth;
  if ('password' in identity && scope === undefined)
    return fault(501, 'Not Implemented', notTaught(asked, 'a login without a scope'));
  const granted = grant(world, login.data.auth);
  return granted === null ? refuse(asked) : tokenAnswer(world, granted);
}

/** What of a login was not understood: never its values, which may be a password. */
function describe(issue: z.core.$ZodIssue | undefined, body: unknown): string {
  const methods = z
    .looseObject({ auth: z.looseObject({ identity: z.looseObject({ methods: z.array(z.string()) }) }) })
    .safeParse(body);
  const where = issue?.path.join('.') || 'its body';
  return methods.success
    ? `method ${methods.data.auth.identity.methods.join(', ')} (${where})`
    : `no method (${where})`;
}

function fault(code: number, title: string, message: string): Answer {
  return { status: code, body: { error: { code, message, title } } };
}

/** One answer for everything that is wrong with a login, so that it tells nobody what (keystone 22 `exception.py:Unauthorized`). */
function refuse(asked: Asked): Answer {
  return {
    ...fault(401, 'Unauthorized', 'The request you have made requires authentication.'),
    headers: { 'www-authenticate': `Keystone uri="${asked.base}/v3"` },
  };
}

function grant(world: World, { identity, scope }: Login): Granted | null {
  if ('application_credential' in identity) {
    const { secret, ...which } = identity.application_credential;
    const credential = findCredential(world, which);
    // A credential brings its project with it: asking for a scope as well is refused (keystone 22 `auth/core.py`).
    if (credential === null || secret !== PASSWORD || scope !== undefined) return null;
    return credential.roles.length === 0 ? null : { method: 'application_credential', ...credential };
  }
  const { password, ...which } = identity.password.user;
  const user = findUser(world, which);
  if (user === null || password !== PASSWORD || scope === undefined) return null;
  const project = 'project' in scope ? findProject(world, scope.project) : null;
  if ('project' in scope && project === null) return null;
  const roles = rolesOf(world, user, project);
  return roles.length === 0 ? null : { method: 'password', user, project, roles };
}

/** keystone 22 `common/render_token.py:render_token_response_from_model`. */
function tokenAnswer(world: World, { method, user, project, roles }: Granted): Answer {
  const expires = tokenExpiry(world);
  const token = issueToken({
    user: user.id,
    userName: user.name,
    project: project?.id ?? null,
    roles: roles.map(({ name }) => name),
    expires: expires.getTime(),
  });
  return {
    status: 201,
    headers: { 'x-subject-token': token },
    body: {
      token: {
        methods: [method],
        user: { domain: user.domain, id: user.id, name: user.name, password_expires_at: null },
        audit_ids: [randomBytes(16).toString('base64url')],
        expires_at: micro(expires),
        issued_at: micro(world.now()),
        ...(project === null
          ? { system: { all: true } }
          : { project: { domain: project.domain, id: project.id, name: project.name }, is_domain: false }),
        roles,
        catalog: makeCatalog(project?.id ?? null),
      },
    },
  };
}

/** `2026-11-22T13:12:30.000000Z`: whole seconds, as fernet tokens have them. */
function micro(date: Date): string {
  return `${date.toISOString().slice(0, 19)}.000000Z`;
}

function versionOf({ base }: Asked): unknown {
  return {
    version: {
      id: 'v3.14',
      status: 'stable',
      updated: '2020-04-07T00:00:00Z',
      links: [{ rel: 'self', href: `${base}/v3/` }],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
    },
  };
}

/** A login at Keystone: the token and the catalog that came with it. */

import { LookError, UsageError } from '../../plan/errors.ts';
import * as z from '../../plan/zod.ts';
import type { CloudAuth } from '../config/clouds.ts';
import { parseAnswer } from '../parse.ts';
import type { HttpClient } from './request.ts';

const tokenAnswer = z.object({
  token: z.object({
    catalog: z
      .array(
        z.object({
          type: z.string(),
          endpoints: z.array(
            z.object({
              interface: z.string(),
              region_id: z.string().nullish(),
              region: z.string().nullish(),
              url: z.string(),
            }),
          ),
        }),
      )
      .default([]),
    roles: z.array(z.object({ name: z.string() })).default([]),
    /** only from a Keystone that names an admin project */
    is_admin_project: z.boolean().nullish(),
  }),
});

export interface Login {
  readonly token: string;
  readonly catalog: z.infer<typeof tokenAnswer>['token']['catalog'];
  /**
   * Services show this user what belongs to others. Neutron and Glance ask for the role `admin` (`context_is_admin`, neutron 21
   * `conf/policies/base.py`, glance 25 `policies/base.py`), in any case of letters (oslo.policy `_checks.py:RoleCheck`).
   */
  readonly isAdmin: boolean;
  readonly roles: readonly string[];
}

/** @throws UsageError when Keystone refuses the credentials, LookError when it does not answer */
export async function logIn(client: HttpClient, cloud: CloudAuth, onSent?: () => void): Promise<Login> {
  // A file of the time of API v2.0 names that; every release with it, Juno too, answers v3 beside it (keystone 2014.2 `etc/keystone-paste.ini`).
  const base = cloud.auth.auth_url.replace(/\/+(v3|v2\.0)?\/*$/, '');
  const answer = await client.send(
    'Keystone',
    {
      method: 'POST',
      url: new URL(`${base}/v3/auth/tokens`),
      headers: {},
      body: { auth: loginBody(cloud) },
    },
    onSent,
  );
  if (answer.status === 401)
    throw new UsageError('Keystone refuses the login: the user, the password, or the project', {
      code: 'login-refused',
      hint: 'try the same with: openstack token issue',
    });
  const token = answer.headers['x-subject-token'];
  if (answer.status !== 201 || typeof token !== 'string')
    throw new LookError('Keystone', `answered ${answer.status} to the login${requestId(answer.headers)}`, {
      code: 'login-failed',
      hint:
        answer.status >= 300 && answer.status < 500
          ? 'is auth_url in clouds.yaml right, with its path?'
          : undefined,
    });
  const { catalog, roles, is_admin_project } = parseAnswer('Keystone', tokenAnswer, answer.body).token;
  const isAdmin = is_admin_project !== false && roles.some(({ name }) => name.toLowerCase() === 'admin');
  return { token, catalog, isAdmin, roles: roles.map(({ name }) => name) };
}

function loginBody({ auth }: CloudAuth): unknown {
  if (auth.application_credential_secret !== undefined) {
    const user = {
      ...(auth.user_id === undefined ? {} : { id: auth.user_id }),
      ...(auth.username === undefined ? {} : { name: auth.username, domain: domain(auth, 'user') }),
    };
    return {
      identity: {
        methods: ['application_credential'],
        application_credential: {
          secret: auth.application_credential_secret,
          ...(auth.application_credential_id === undefined
            ? { name: auth.application_credential_name, user }
            : { id: auth.application_credential_id }),
        },
      },
    };
  }
  if (auth.password === undefined || (auth.username === undefined && auth.user_id === undefined))
    throw new UsageError('the cloud needs a user and a password, or an application credential', {
      code: 'cloud-incomplete',
    });
  const user =
    auth.user_id === undefined
      ? { name: auth.username, domain: domain(auth, 'user'), password: auth.password }
      : { id: auth.user_id, password: auth.password };
  return { identity: { methods: ['password'], password: { user } }, scope: scope(auth) };
}

function scope(auth: CloudAuth['auth']): unknown {
  if (auth.system_scope !== undefined) return { system: { all: true } };
  if (auth.project_id !== undefined) return { project: { id: auth.project_id } };
  if (auth.project_name !== undefined)
    return { project: { name: auth.project_name, domain: domain(auth, 'project') } };
  throw new UsageError('the cloud needs a project to log in to', { code: 'cloud-incomplete' });
}

function domain(auth: CloudAuth['auth'], of: 'user' | 'project'): unknown {
  const id = (of === 'user' ? auth.user_domain_id : auth.project_domain_id) ?? auth.domain_id;
  if (id !== undefined) return { id };
  const name = (of === 'user' ? auth.user_domain_name : auth.project_domain_name) ?? auth.domain_name;
  return name === undefined ? { id: 'default' } : { name };
}

/** ` (request req-…)`: what an operator greps for in the service's log. */
export function requestId(headers: Readonly<Record<string, unknown>>): string {
  const id = headers['x-openstack-request-id'] ?? headers['x-compute-request-id'];
  return typeof id === 'string' ? ` (request ${id.replaceAll(/[^\w-]/g, '')})` : '';
}

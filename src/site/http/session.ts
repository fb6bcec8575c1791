/** The OpenStack APIs of one cloud, logged in. */

import { ActError, isExpungeError, LookError } from '../../plan/errors.ts';
import type { HttpAct, Service } from '../../plan/types.ts';
import type { CloudAuth } from '../config/clouds.ts';
import type { ServiceUser } from '../config/service-user.ts';
import { isRecord } from '../parse.ts';
import type { HttpAnswer, ServiceToken } from '../reader.ts';
import type { Wires } from '../wires.ts';
import { acceptAnswer, describeFailure, isOfAProxy } from './answer.ts';
import { findEndpoint, hasService, SERVICE_NAMES } from './catalog.ts';
import { type Login, logIn } from './keystone.ts';
import { nextPage } from './next-page.ts';
import { type HttpClient, openHttpClient, type RawAnswer } from './request.ts';

const MAX_PAGES = 1_000;

export class ApiSession {
  readonly #cloud: CloudAuth;
  readonly #client: HttpClient;
  readonly #serviceUser: ServiceUser | null;
  #login: Promise<Login> | null = null;
  #serviceLogin: Promise<Login> | null = null;

  constructor(
    cloud: CloudAuth,
    open: Wires['http'] = openHttpClient,
    serviceUser: ServiceUser | null = null,
  ) {
    this.#cloud = cloud;
    this.#client = open(cloud.tls);
    this.#serviceUser = serviceUser;
  }

  /**
   * Begins the login, so that it runs beside other work; resolves as soon as Keystone has the request. A failure is told to
   * whoever needs the login.
   */
  warm(): Promise<void> {
    return new Promise((resolve) => {
      this.#ensureLogin(resolve).catch(() => resolve());
    });
  }

  async has(service: Service): Promise<boolean> {
    return hasService(await this.#ensureLogin(), this.#cloud, service);
  }

  /**
   * Logs the service's user in, when there is one: the roles that Cinder goes by come with the token. A login that fails is an answer
   * too, for without such a token there are other ways.
   */
  async serviceToken(): Promise<ServiceToken> {
    if (this.#serviceUser === null)
      return {
        available: false,
        why: 'neither service_user in the site file nor [service_user] in nova.conf names an account for it',
      };
    const { from, role } = this.#serviceUser;
    try {
      const { roles } = await this.#ensureServiceLogin();
      return roles.includes(role)
        ? { available: true, from }
        : { available: false, why: `the account of ${from} has not the role ${role} in its project` };
    } catch (error) {
      if (!isExpungeError(error)) throw error;
      return { available: false, why: `the account of ${from} cannot log in: ${error.message}` };
    }
  }

  async get(
    service: Service,
    path: string,
    options: { microversion?: string; also?: readonly number[] } = {},
  ): Promise<HttpAnswer> {
    return acceptAnswer(service, path, await this.ask(service, path, options.microversion), options.also);
  }

  /** GET with whatever status comes back: whether it is an answer is for `acceptAnswer` to say. */
  ask(service: Service, path: string, microversion?: string): Promise<RawAnswer> {
    return this.#sendLoggedIn(service, 'GET', path, microversion);
  }

  /**
   * Follows Neutron's and Nova's `<key>_links` and Glance's `next` to the last page.
   *
   * @throws LookError also for a user without the role `admin`: services show such a user less, and say nothing of it
   */
  async list(
    service: Service,
    path: string,
    key: string,
    microversion?: string,
  ): Promise<readonly unknown[]> {
    const login = await this.#ensureLogin();
    if (!login.isAdmin)
      throw new LookError(
        SERVICE_NAMES[service],
        'the user of clouds.yaml has not the role admin here, so it may be shown its own things only',
        {
          code: 'not-admin',
          hint: 'use a user and a project with the role admin: docs/reference.md, Keystone',
        },
      );
    const base = findEndpoint(login, this.#cloud, service);
    const all: unknown[] = [];
    let next: string | null = path;
    for (let page = 0; next !== null; page++) {
      if (page === MAX_PAGES)
        throw new LookError(SERVICE_NAMES[service], `${path} has more than ${MAX_PAGES} pages`, {
          code: 'api-endless',
        });
      const { body } = await this.get(service, next, microversion === undefined ? {} : { microversion });
      const items = isRecord(body) ? body[key] : undefined;
      if (!isRecord(body) || !Array.isArray(items))
        throw new LookError(SERVICE_NAMES[service], `${path} did not answer with ${key}`, {
          code: 'answer-not-understood',
        });
      all.push(...items);
      next = nextPage(SERVICE_NAMES[service], body, key, base);
    }
    return all;
  }

  /** @throws ActError; `unknown` when the request went out and no answer came */
  async send(act: HttpAct): Promise<void> {
    let answer: RawAnswer;
    try {
      answer = await this.#sendLoggedIn(
        act.service,
        act.method,
        act.path,
        act.microversion,
        act.body,
        act.serviceToken === true,
      );
    } catch (error) {
      if (!(error instanceof LookError)) throw error;
      throw new ActError(error.message, { code: error.code, unknown: error.code === 'api-cut' });
    }
    if (act.status.includes(answer.status) && !isOfAProxy(answer)) return;
    throw new ActError(`${SERVICE_NAMES[act.service]}: ${describeFailure(act.method, act.path, answer)}`, {
      code: `api-${answer.status}`,
    });
  }

  close(): void {
    this.#client.close();
  }

  async #sendLoggedIn(
    service: Service,
    method: string,
    path: string,
    microversion: string | undefined,
    body?: unknown,
    asService = false,
  ): Promise<RawAnswer> {
    const login = this.#ensureLogin();
    const serviceLogin = asService ? this.#ensureServiceLogin() : null;
    const sendAs = async (as: readonly [Promise<Login>, Promise<Login> | null]) => {
      const [own, beside] = await Promise.all(as);
      return this.#sendOnce(own, beside, service, method, path, microversion, body);
    };
    const answer = await sendAs([login, serviceLogin]);
    if (answer.status !== 401) return answer;
    // The token ran out during the run: a 401 means that nothing was done, so the same request may go again. Of several
    // requests that learn of it side by side, the first logs in for all.
    if (this.#login === login) this.#login = null;
    // Which of two tokens is meant, the answer does not say.
    if (this.#serviceLogin === serviceLogin) this.#serviceLogin = null;
    return sendAs([this.#ensureLogin(), asService ? this.#ensureServiceLogin() : null]);
  }

  async #sendOnce(
    login: Login,
    serviceLogin: Login | null,
    service: Service,
    method: string,
    path: string,
    microversion: string | undefined,
    body: unknown,
  ): Promise<RawAnswer> {
    const place = SERVICE_NAMES[service];
    const base = findEndpoint(login, this.#cloud, service);
    if (base === null || !URL.canParse(base + path))
      throw new LookError(
        place,
        `the catalog has no ${this.#cloud.interface} endpoint for it${base === null ? '' : ' that is a URL'}`,
        {
          code: 'no-endpoint',
          hint:
            this.#cloud.auth.system_scope === undefined
              ? 'check region_name and interface in clouds.yaml'
              : 'with system_scope Keystone leaves out every URL with a project in it: log in to a project',
        },
      );
    return this.#client.send(place, {
      method,
      url: new URL(base + path),
      headers: {
        'x-auth-token': login.token,
        ...(serviceLogin === null ? {} : { 'x-service-token': serviceLogin.token }),
        ...versionHeader(service, microversion),
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  #ensureLogin(onSent?: () => void): Promise<Login> {
    if (this.#login === null) {
      const login = logIn(this.#client, this.#cloud, onSent);
      this.#login = login;
      login.catch(() => {
        if (this.#login === login) this.#login = null;
      });
    }
    return this.#login;
  }

  /** Only when it is needed: most runs touch no volume. */
  #ensureServiceLogin(): Promise<Login> {
    if (this.#serviceUser === null)
      return Promise.reject(
        new LookError('Keystone', 'no account is named that could ask for a service token', {
          code: 'no-service-user',
          hint: 'set service_user in the site file',
        }),
      );
    if (this.#serviceLogin === null) {
      const login = logIn(this.#client, this.#serviceUser.auth);
      this.#serviceLogin = login;
      login.catch(() => {
        if (this.#serviceLogin === login) this.#serviceLogin = null;
      });
    }
    return this.#serviceLogin;
  }
}

function versionHeader(service: Service, microversion: string | undefined): Record<string, string> {
  if (microversion === undefined) return {};
  const type = service === 'volume' ? 'volume' : service;
  return { 'openstack-api-version': `${type} ${microversion}` };
}

/** Who asks for a service's token: the site file's `service_user`, else nova.conf's `[service_user]`. */
import * as z from '../../plan/zod.ts';
import type { CloudAuth } from './clouds.ts';
import type { NovaConf } from './nova-conf.ts';
import { text } from './yaml.ts';

const filled = text.pipe(z.string().min(1));

/** Keys of keystoneauth's `password` plugin, and the role that makes it a service. */
export const serviceUserEntry = z.strictObject({
  /** without it, that of clouds.yaml */
  auth_url: z.url({ protocol: /^https?$/ }).optional(),
  username: filled.optional(),
  user_id: filled.optional(),
  password: filled,
  project_name: filled.optional(),
  project_id: filled.optional(),
  user_domain_name: filled.optional(),
  user_domain_id: filled.optional(),
  project_domain_name: filled.optional(),
  project_domain_id: filled.optional(),
  /** what Cinder's `[keystone_authtoken] service_token_roles` says, when that is not `service` */
  role: filled.optional(),
});

export interface ServiceUser {
  readonly auth: CloudAuth;
  /** one role that its token must have */
  readonly role: string;
  /** where this is written, for messages */
  readonly from: string;
}

/** keystonemiddleware 10 `auth_token/_opts.py`: the default of `service_token_roles` */
const ROLE = 'service';

/**
 * `send_service_user_token` does not count: it says what Nova does, not what the account is. Of nova.conf only who it is is taken:
 * the Keystone is that of clouds.yaml, by the way that this machine reaches it.
 */
export function chooseServiceUser(
  file: z.infer<typeof serviceUserEntry> | undefined,
  novaConf: NovaConf | null,
  cloud: CloudAuth,
): ServiceUser | null {
  const choose = (entry: z.infer<typeof serviceUserEntry>, from: string): ServiceUser => {
    const { role = ROLE, auth_url = cloud.auth.auth_url, ...who } = entry;
    return { auth: { ...cloud, auth: { ...who, auth_url } }, role, from };
  };
  if (file !== undefined) return choose(file, 'service_user in the site file');
  const own = serviceUserEntry.safeParse(novaConf?.serviceUser);
  return own.success ? choose(own.data, '[service_user] in nova.conf') : null;
}

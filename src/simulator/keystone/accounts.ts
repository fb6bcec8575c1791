/** Who may log in and with which roles: Keystone's own tables, as the cloud was recorded. */
import type { SQLInputValue } from 'node:sqlite';
import { type DatabaseRow, hexId } from '../http/exchange.ts';
import type { World } from '../world.ts';

/** The one password of every user, and the secret of every application credential: the recorded ones are hashes. */
export const PASSWORD = 'demo';

export interface Named {
  readonly id: string;
  readonly name: string;
}

export interface Account extends Named {
  readonly domain: Named;
}

export interface Project extends Named {
  readonly domain: Named;
}

export type Wanted =
  | { readonly id: string }
  | { readonly name: string; readonly domain: { readonly id: string } | { readonly name: string } };

function rows(world: World, sql: string, ...values: SQLInputValue[]): DatabaseRow[] {
  return world
    .db('keystone')
    .prepare(sql)
    .all(...values);
}

function named(row: DatabaseRow, prefix: string): Named {
  return { id: String(row[`${prefix}_id`]), name: String(row[`${prefix}_name`]) };
}

const USERS = `SELECT u.id AS user_id, l.name AS user_name, d.id AS domain_id, d.name AS domain_name
  FROM local_user l JOIN user u ON u.id = l.user_id JOIN project d ON d.id = l.domain_id
  WHERE coalesce(u.enabled, 1) = 1`;

/** Beside the recorded users there is `reader`, in the domain of `admin`, who may look at the project `admin` and no more. */
export function findUser(world: World, wanted: Wanted): Account | null {
  const match = (row: Account) =>
    'id' in wanted
      ? row.id === wanted.id
      : row.name.toLowerCase() === wanted.name.toLowerCase() && isDomain(row.domain, wanted.domain);
  const recorded = rows(world, USERS).map((row) => ({
    ...named(row, 'user'),
    domain: named(row, 'domain'),
  }));
  const admin = recorded.find(({ name }) => name === 'admin');
  const builtIn =
    admin === undefined || recorded.some(({ name }) => name === 'reader')
      ? []
      : [{ id: hexId('user reader'), name: 'reader', domain: admin.domain }];
  return [...recorded, ...builtIn].find(match) ?? null;
}

const PROJECTS = `SELECT p.id AS project_id, p.name AS project_name, d.id AS domain_id, d.name AS domain_name
  FROM project p JOIN project d ON d.id = p.domain_id WHERE p.is_domain = 0 AND coalesce(p.enabled, 1) = 1`;

export function findProject(world: World, wanted: Wanted): Project | null {
  const all = rows(world, PROJECTS).map((row) => ({
    ...named(row, 'project'),
    domain: named(row, 'domain'),
  }));
  return (
    all.find((row) =>
      'id' in wanted
        ? row.id === wanted.id
        : row.name.toLowerCase() === wanted.name.toLowerCase() && isDomain(row.domain, wanted.domain),
    ) ?? null
  );
}

/** Names of domains are compared as MySQL compares them, without regard to case. */
function isDomain(domain: Named, wanted: { readonly id: string } | { readonly name: string }): boolean {
  return 'id' in wanted ? domain.id === wanted.id : domain.name.toLowerCase() === wanted.name.toLowerCase();
}

/** Roles of a cloud as its installation guides set it up, by the project's name. `null`: of the whole system. */
function usualRoles(user: Account, project: Project | null): readonly string[] {
  if (user.name === 'reader') return project?.name === 'admin' ? ['reader'] : [];
  if (user.name === 'admin')
    return project === null || project.name === 'admin' ? ['admin', 'member', 'reader'] : [];
  return project?.name === 'service' ? ['admin', 'member', 'reader', 'service'] : [];
}

/**
 * The user's roles on a project or, for null, on the system, with those that they imply. Assignments are not recorded: in a world
 * without any, `admin` has the role admin on the project `admin`, and services have the roles admin and service on theirs.
 */
export function rolesOf(world: World, user: Account, project: Project | null): readonly Named[] {
  const assigned = rows(
    world,
    `SELECT actor_id, target_id, role_id FROM assignment WHERE inherited = 0
     UNION ALL SELECT actor_id, NULL, role_id FROM system_assignment`,
  );
  if (assigned.length === 0) return usualRoles(user, project).map((name) => roleNamed(world, name));
  const own = assigned.filter(
    (row) => row['actor_id'] === user.id && row['target_id'] === (project?.id ?? null),
  );
  return withImplied(world, new Set(own.map((row) => String(row['role_id']))));
}

function roleNamed(world: World, name: string): Named {
  const [row] = rows(world, 'SELECT id FROM role WHERE name = ?', name);
  return { id: row === undefined ? hexId(`role ${name}`) : String(row['id']), name };
}

function withImplied(world: World, ids: Set<string>): readonly Named[] {
  const implied = rows(world, 'SELECT prior_role_id AS prior, implied_role_id AS implied FROM implied_role');
  for (const id of ids)
    for (const { prior, implied: next } of implied) if (prior === id) ids.add(String(next));
  return rows(world, 'SELECT id AS role_id, name AS role_name FROM role ORDER BY id')
    .map((row) => named(row, 'role'))
    .filter(({ id }) => ids.has(id));
}

export interface Credential {
  readonly user: Account;
  readonly project: Project;
  readonly roles: readonly Named[];
}

/** An application credential by its id, or by name and user. Its roles are those that it was made with. */
export function findCredential(
  world: World,
  wanted: { readonly id: string } | { readonly name: string; readonly user: Wanted },
): Credential | null {
  const owner = 'id' in wanted ? null : findUser(world, wanted.user);
  const [row] =
    'id' in wanted
      ? rows(world, 'SELECT * FROM application_credential WHERE id = ?', wanted.id)
      : rows(
          world,
          'SELECT * FROM application_credential WHERE name = ? AND user_id = ?',
          wanted.name,
          owner?.id ?? null,
        );
  if (
    row === undefined ||
    (row['expires_at'] !== null && Number(row['expires_at']) / 1e3 < world.now().getTime())
  )
    return null;
  const user = findUser(world, { id: String(row['user_id']) });
  const project = findProject(world, { id: String(row['project_id']) });
  if (user === null || project === null) return null;
  const given = rows(
    world,
    'SELECT role_id FROM application_credential_role WHERE application_credential_id = ?',
    row['internal_id'] ?? null,
  );
  return { user, project, roles: withImplied(world, new Set(given.map((each) => String(each['role_id'])))) };
}

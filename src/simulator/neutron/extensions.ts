import { readMeta, type World } from '../world.ts';

/** Extensions that add keys to ports and networks, or resources of their own, with the table whose rows show that one is there. */
const TABLES = {
  'dns-integration': 'portdnses',
  qos: 'qos_policies',
  trunk: 'trunks',
  router: 'floatingips',
} as const;

/**
 * Whether Neutron has the extension. The recorded cloud has none of these; a world has those that its `neutron.extensions`
 * lists, with spaces between, and those that there are rows of.
 */
export function hasExtension(world: World, name: keyof typeof TABLES): boolean {
  if ((readMeta(world, 'neutron.extensions') ?? '').split(' ').includes(name)) return true;
  return world.db('neutron').prepare(`SELECT 1 FROM "${TABLES[name]}" LIMIT 1`).get() !== undefined;
}

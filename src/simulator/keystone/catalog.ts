import { hexId } from '../http/exchange.ts';

const REGION = 'RegionOne';

/** As Zed's services register themselves, with the URLs of this cloud. */
const SERVICES: readonly { readonly type: string; readonly name: string; readonly url: string }[] = [
  { type: 'identity', name: 'keystone', url: 'http://demo/identity/v3' },
  { type: 'compute', name: 'nova', url: 'http://demo/compute/v2.1' },
  { type: 'network', name: 'neutron', url: 'http://demo/network' },
  { type: 'image', name: 'glance', url: 'http://demo/image' },
  { type: 'placement', name: 'placement', url: 'http://demo/placement' },
  { type: 'volumev3', name: 'cinderv3', url: 'http://demo/volume/v3/%(project_id)s' },
];

/** A URL that needs a project is left out for a token without one (keystone 22 `catalog/backends/sql.py:get_v3_catalog`). */
export function makeCatalog(project: string | null): readonly unknown[] {
  return SERVICES.filter(({ url }) => project !== null || !url.includes('%(project_id)s')).map(
    ({ type, name, url }) => ({
      endpoints: ['admin', 'internal', 'public'].map((facing) => ({
        id: hexId(`endpoint ${type} ${facing}`),
        interface: facing,
        region_id: REGION,
        url: url.replace('%(project_id)s', project ?? ''),
        region: REGION,
      })),
      id: hexId(`service ${type}`),
      type,
      name,
    }),
  );
}

/** Where the catalog says that a service is. */

import { UsageError } from '../../plan/errors.ts';
import type { Service } from '../../plan/types.ts';
import type { CloudAuth } from '../config/clouds.ts';
import type { Login } from './keystone.ts';

/** Names that the catalog may give a service, newest first: service-types authority and what deployments still use. */
const TYPES: Readonly<Record<Service, readonly string[]>> = {
  compute: ['compute'],
  network: ['network'],
  image: ['image'],
  placement: ['placement'],
  volume: ['block-storage', 'volumev3', 'block-store', 'volumev2'],
};

/** How operators call the service behind a door. */
export const SERVICE_NAMES: Readonly<Record<Service, string>> = {
  compute: 'Nova',
  network: 'Neutron',
  image: 'Glance',
  placement: 'Placement',
  volume: 'Cinder',
};

interface Place {
  readonly region: string | undefined;
  readonly interface: string;
  readonly url: string;
}

/** Where a service is, in the region of clouds.yaml or in all, by the names of the service, newest first. */
function placesOf({ catalog }: Login, { region }: CloudAuth, service: Service): readonly Place[] {
  return TYPES[service].flatMap((type) =>
    catalog
      .filter((entry) => entry.type === type)
      .flatMap(({ endpoints }) => endpoints)
      .map((e) => ({
        region: e.region_id ?? e.region ?? undefined,
        interface: e.interface,
        url: e.url,
      }))
      .filter((place) => region === undefined || place.region === region),
  );
}

/**
 * Whether the cloud has the service, also where not by the interface that clouds.yaml says: that is a fault of one of the two. A token for
 * the whole system comes without the endpoints that have a project in their path, and the service is there without any (keystone 22
 * `catalog/backends/sql.py:get_v3_catalog`).
 */
export function hasService(login: Login, cloud: CloudAuth, service: Service): boolean {
  if (placesOf(login, cloud, service).length > 0) return true;
  const isBare = ({ type, endpoints }: Login['catalog'][number]) =>
    TYPES[service].includes(type) && endpoints.length === 0;
  return cloud.auth.system_scope !== undefined && login.catalog.some(isBare);
}

/**
 * The service's URL without version, or null when the catalog has none.
 *
 * @throws UsageError when no region is said and the service is another one in each: clients of OpenStack take the first
 *   (keystoneauth1 `access/service_catalog.py:endpoint_data_for`), where a server of another region has left nothing
 */
export function findEndpoint(login: Login, cloud: CloudAuth, service: Service): string | null {
  const places = placesOf(login, cloud, service).filter((place) => place.interface === cloud.interface);
  const perRegion = [...Map.groupBy(places, ({ region }) => region).values()].flatMap((all) =>
    all.slice(0, 1),
  );
  if (new Set(perRegion.map(({ url }) => trimUrl(service, url))).size > 1)
    throw new UsageError(
      `the catalog has ${SERVICE_NAMES[service]} in several regions (${perRegion.map(({ region }) => region ?? 'no region').join(', ')}), and clouds.yaml says none`,
      {
        code: 'region-not-said',
        hint: 'set region_name in clouds.yaml, or OS_REGION_NAME, to that of these databases',
      },
    );
  const [place] = places;
  return place === undefined ? null : trimUrl(service, place.url);
}

function trimUrl(service: Service, url: string): string {
  const whole = url.replace(/\/+$/, '');
  // Paths of these two are written with their version; the catalog's URL may or may not have it, and Glance's may still have v1.
  return service === 'network' || service === 'image' ? whole.replace(/\/v\d+(\.\d+)?$/, '') : whole;
}

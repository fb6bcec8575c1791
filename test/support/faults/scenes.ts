/** Servers whose purge goes through all doors. */
import type { Scene } from '../kept-cloud.ts';
import { plantRequest, plantToken } from '../plants.ts';

/** The smaller one. Somebody has asked for a reboot of it since, which its nova-compute has not taken. */
export const SHELVED_HALF_WAY: Scene = {
  name: 'shelved half way',
  world: {
    hosts: { 'cmp-1': 'frozen' },
    servers: [
      { name: 'victim', state: 'shelving-stuck', host: 'cmp-1', twists: [plantRequest] },
      { name: 'vic', state: 'healthy', host: 'cmp-1' },
    ],
  },
  options: [],
};

export const SCENES: readonly Scene[] = [
  {
    name: 'volumes over iSCSI',
    world: {
      hosts: { 'cmp-1': 'hung', 'cmp-2': 'alive' },
      servers: [
        {
          name: 'victim',
          state: 'deleting-forever',
          host: 'cmp-1',
          volumes: [{ target: 'shared' }, { deleteOnTermination: true }],
          twists: [plantToken],
        },
        { name: 'vic', state: 'healthy', host: 'cmp-1', volumes: [{ target: 'shared' }] },
        { name: 'victim-2', state: 'healthy', host: 'cmp-2' },
      ],
    },
    options: ['--volumes', 'as-nova'],
  },
  SHELVED_HALF_WAY,
];

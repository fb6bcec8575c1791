/** The recordings, each loaded when it is first wanted. */
import type { RecordedVolume, Recording } from './recorded/types.ts';

type Load = () => Promise<{ readonly default: unknown }>;

const SERVERS = {
  healthy: () => import('./recorded/servers/healthy.json', { with: { type: 'json' } }),
  'healthy-native': () => import('./recorded/servers/healthy-native.json', { with: { type: 'json' } }),
  'deleting-forever': () => import('./recorded/servers/deleting-forever.json', { with: { type: 'json' } }),
  'host-was-down': () => import('./recorded/servers/host-was-down.json', { with: { type: 'json' } }),
  'row-gone-domain-runs': () =>
    import('./recorded/servers/row-gone-domain-runs.json', { with: { type: 'json' } }),
  'error-never-scheduled': () =>
    import('./recorded/servers/error-never-scheduled.json', { with: { type: 'json' } }),
  'build-request-only': () =>
    import('./recorded/servers/build-request-only.json', { with: { type: 'json' } }),
  'shelved-offloaded': () => import('./recorded/servers/shelved-offloaded.json', { with: { type: 'json' } }),
  'shelving-stuck': () => import('./recorded/servers/shelving-stuck.json', { with: { type: 'json' } }),
  'resize-both-dirs': () => import('./recorded/servers/resize-both-dirs.json', { with: { type: 'json' } }),
  'half-cleaned': () => import('./recorded/servers/half-cleaned.json', { with: { type: 'json' } }),
  'native-plug': () => import('./recorded/servers/native-plug.json', { with: { type: 'json' } }),
  'already-clean': () => import('./recorded/servers/already-clean.json', { with: { type: 'json' } }),
} as const satisfies Record<string, Load>;

/** A state in which a server was recorded. */
export type State = keyof typeof SERVERS;

export const STATES = Object.keys(SERVERS) as readonly State[];

// The files are written by `npm run record` in the form of `Recording`, and its test reads all of them.
async function load(from: Load): Promise<Recording> {
  return (await from()).default as Recording;
}

export function loadServer(state: State): Promise<Recording> {
  return load(SERVERS[state]);
}

/** The cloud without hosts and servers. */
export function loadCloud(): Promise<Recording> {
  return load(() => import('./recorded/cloud.json', { with: { type: 'json' } }));
}

/** One compute host without servers. */
export function loadHost(): Promise<Recording> {
  return load(() => import('./recorded/host.json', { with: { type: 'json' } }));
}

const VOLUMES = {
  iscsi: () => import('./recorded/volumes/iscsi.json', { with: { type: 'json' } }),
  rbd: () => import('./recorded/volumes/rbd.json', { with: { type: 'json' } }),
} as const satisfies Record<string, Load>;

export type VolumeType = keyof typeof VOLUMES;

/** A volume on a running server. */
export async function loadVolume(type: VolumeType): Promise<RecordedVolume> {
  return (await VOLUMES[type]()).default as RecordedVolume;
}

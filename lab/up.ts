import { startCeph } from './ceph/cloud.ts';
import { startCluster } from './ceph/cluster.ts';
import { isTurnedOn } from './config/backends.ts';
import { writeConfigs } from './config/write.ts';
import { syncDatabases } from './database-sync.ts';
import type { Extra } from './extras.ts';
import { install } from './install.ts';
import { setUpKeystone } from './keystone-setup.ts';
import { prepareMariadb } from './mariadb.ts';
import { startNode } from './node/power.ts';
import { initOvs, prepareOvs } from './openvswitch.ts';
import { type Lab, makeFolders } from './paths.ts';
import { prepareRabbit } from './rabbitmq.ts';
import { seed } from './seed.ts';
import { listServices, type ServiceName } from './services.ts';
import { writeSiteFiles } from './site-file.ts';
import { prepareSshd } from './sshd.ts';
import { startService, whileRunning } from './start.ts';
import { startStorage } from './storage/backends.ts';

export type Say = (line: string) => void;

/** Brings the whole cloud up, or finishes and mends one that is there; running services are left alone. */
export async function bringUp(lab: Lab, say: Say, wanted: ReadonlySet<Extra> = new Set()): Promise<void> {
  const start = (...names: readonly ServiceName[]) =>
    Promise.all(names.map((name) => startService(lab, name)));
  const phase = makePhases(say);
  const hasCeph = isTurnedOn(lab, 'ceph');
  await phase('packages', () => install(say));
  await phase('folders and configs', async () => {
    makeFolders(lab);
    writeConfigs(lab);
    writeSiteFiles(lab);
    prepareRabbit(lab);
    await Promise.all([prepareMariadb(lab), prepareSshd(lab), prepareOvs(lab)]);
  });
  await phase('message bus, hypervisor, switch, sshd, and the database schemas beside them', () =>
    Promise.all([
      start('mariadb').then(() => syncDatabases(lab)),
      start('epmd').then(() => start('rabbitmq')),
      start('ovsdb')
        .then(initOvs)
        .then(() => start('vswitchd')),
      start('virtlogd').then(() => start('libvirtd')),
      start('memcached', 'sshd'),
      // One that is there already must answer before Cinder and Nova ask it.
      hasCeph ? startCluster(lab) : undefined,
    ]),
  );
  await phase('keystone', () => start('keystone').then(() => setUpKeystone(lab)));
  await phase('services', () =>
    Promise.all([
      start('glance', 'nova-api', 'nova-novncproxy'),
      // An agent whose first report nobody takes waits a minute before the next one.
      start('neutron').then(() => start('ovs-agent')),
      // These end at once when Placement does not answer yet.
      start('placement').then(() => start('nova-conductor', 'nova-scheduler', 'nova-compute')),
      start('cinder-api', 'cinder-scheduler', 'cinder-volume'),
    ]),
  );
  const names = listServices(lab).map((service) => service.name);
  await phase('image, flavors, network, host', () => whileRunning(lab, names, seed(lab)));
  if (hasCeph || wanted.has('ceph')) await phase('Ceph', () => startCeph(lab, say));
  if (wanted.has('node') || wanted.has('storage')) await phase('second machine', () => startNode(lab, say));
  if (wanted.has('storage')) await phase('iSCSI storage', () => startStorage(lab, say));
}

function makePhases(say: Say): <T>(title: string, work: () => Promise<T>) => Promise<T> {
  const begun = Date.now();
  const seconds = (from: number): string => ((Date.now() - from) / 1000).toFixed(1).padStart(5);
  return async (title, work) => {
    const from = Date.now();
    const result = await work();
    say(`${seconds(begun)} s  (${seconds(from).trim()} s)  ${title}`);
    return result;
  };
}

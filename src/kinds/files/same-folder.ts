import { LookError } from '../../plan/errors.ts';
import { containerOf, identify, identifyBeside } from '../../site/command/containers.ts';
import { whyFailed } from '../../site/command/lines.ts';
import type { Reader } from '../../site/reader.ts';
import type { KnownHost } from '../domain/host.ts';

/**
 * Where libvirt is in a container, its folder of servers must be the one that is looked at: a volume that is left from before Kolla's
 * `nova_instance_datadir_volume` or `docker_runtime_directory` was changed holds nothing of the server.
 *
 * @throws LookError when it is another one, or cannot be told
 */
export async function assertSameFolder(look: Reader, { name, instancesPath }: KnownHost): Promise<void> {
  const { containers = null, novasInstancesPath = instancesPath } = look.host(name) ?? {};
  const inside = identifyBeside(containers, 'virsh', novasInstancesPath);
  if (inside === null) return;
  const [own, novas] = await Promise.all(
    [identify(instancesPath), inside].map(async (argv) => {
      const answer = await look.command.run(name, argv);
      if (answer.exit === 0) return answer.out;
      const said = whyFailed('stat', answer);
      throw unknown(name, `whether ${instancesPath} is Nova’s folder of servers cannot be told: ${said}`);
    }),
  );
  if (own !== novas)
    throw unknown(
      name,
      `${instancesPath} is not the folder that container ${containerOf(containers, 'virsh')} has as ${novasInstancesPath}`,
    );
}

function unknown(host: string, sentence: string): LookError {
  return new LookError(`host ${host}`, sentence, {
    code: 'instances-path-other',
    hint: `hosts.${host}.instances_path says which it is`,
  });
}

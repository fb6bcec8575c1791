import { settle } from '../delta.ts';
import { killCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { readSeed } from '../seed.ts';
import { createServer, deleteServer, serverAction, waitForPorts, waitForStatus } from '../servers.ts';
import { change } from '../sql.ts';
import type { Scenario } from './scenario.ts';

const oldState = 'instance_uuid=<server>, key=old_vm_state, value=active';
const gone = 'deleted=<own id>, deleted_at=<time>';
const confirms =
  'Nova confirms the resize first, which a dead host cannot; rows that are going away need no confirming';

/**
 * Resized and never confirmed, so that `<uuid>` and `<uuid>_resize` stand side by side and the old flavor's allocation
 * belongs to the migration. A delete must confirm first, and its host died just then.
 */
export const resizeBothDirs: Scenario = {
  name: 'resize-both-dirs',
  title: 'resized, and its host died while the delete confirmed the resize',
  outcome: 'purged',
  async make(lab, name) {
    const server = await createServer(lab, { name });
    const { flavors } = await readSeed(lab);
    await serverAction(lab, server, 'resize', { flavorRef: flavors['m1.micro'] });
    await waitForStatus(lab, server, 'VERIFY_RESIZE');
    await waitForPorts(lab, server);
    await settle(lab);
    return server;
  },
  async break(lab, server) {
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
    // What the API leaves when its call to the dead host runs into its time-out, a minute later.
    await change(lab, 'nova', [
      ["UPDATE instances SET task_state = 'deleting' WHERE uuid = ?", [server.id]],
      [
        "UPDATE migrations SET status = 'confirming' WHERE instance_uuid = ? AND status = 'finished'",
        [server.id],
      ],
    ]);
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [
    {
      insteadOf: `- nova.instance_system_metadata created_at=<time>, deleted=0, deleted_at=NULL, id=<n>, ${oldState}`,
      why: confirms,
    },
    {
      insteadOf: `+ nova.instance_system_metadata created_at=<time>, ${gone}, id=<n>, ${oldState}`,
      line: `~ nova.instance_system_metadata [instance_uuid=<server>, key=old_vm_state] ${gone}`,
      why: confirms,
    },
    {
      insteadOf:
        `~ nova.instance_extra [instance_uuid=<server>] ${gone}, flavor={"cur": {"nova_object.name": "Flavor", ` +
        '"nova_object.namespace": "nova", "nova_object.version": "1.2"…, migration_context=NULL',
      line: `~ nova.instance_extra [instance_uuid=<server>] ${gone}`,
      why: confirms,
    },
    {
      insteadOf: `~ nova.migrations [instance_uuid=<server>, uuid=<migration>] ${gone}, status=confirmed`,
      line: `~ nova.migrations [instance_uuid=<server>, uuid=<migration>] ${gone}, status=confirming`,
      why: confirms,
    },
  ],
};

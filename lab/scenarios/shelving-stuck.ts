import { freezeCompute, killCompute, reviveCompute, waitServiceDown } from '../nova-services.ts';
import { createServer, createSnapshot, deleteServer, serverAction } from '../servers.ts';
import type { Scenario } from './scenario.ts';

const why = 'the image that the API made for the shelving; Nova would have to know its id to delete it';

/** The properties that Nova gave the image; an image without data keeps them when it is deleted, marked as deleted. */
const properties = {
  base_image_ref: '<image:tiny>',
  boot_roles: 'admin,member,reader',
  hw_cdrom_bus: 'ide',
  hw_disk_bus: 'virtio',
  hw_input_bus: 'usb',
  hw_machine_type: 'pc',
  hw_pointer_model: 'usbtablet',
  hw_video_model: 'virtio',
  hw_vif_model: 'virtio',
  image_type: 'snapshot',
  instance_uuid: '<server>',
  owner_project_name: 'admin',
  owner_user_name: 'admin',
  user_id: '<user>',
} as const;

const deletedImage =
  '+ glance.images checksum=NULL, container_format=NULL, created_at=<time>, deleted=1, deleted_at=<time>, ' +
  'disk_format=NULL, id=<uuid>, min_disk=1, min_ram=0, name=<name>-shelved, os_hash_algo=NULL, os_hash_value=NULL, ' +
  'os_hidden=0, owner=<project:admin>, protected=0, size=NULL, status=deleted, virtual_size=NULL, visibility=private';

function deletedProperty(name: string, value: string): string {
  return `+ glance.image_properties created_at=<time>, deleted=1, deleted_at=<time>, id=<n>, image_id=<uuid>, name=${name}, value=${value}`;
}

/**
 * The API made the image `<name>-shelved` and asked the host to fill it; the host never did. The row does not know the
 * image's id yet, so nothing but its name, its owner and its emptiness says whose it is.
 */
export const shelvingStuck: Scenario = {
  name: 'shelving-stuck',
  title: 'shelving for ever, with an image that nobody fills',
  outcome: 'purged',
  async make(lab, name) {
    const server = await createServer(lab, { name });
    await createSnapshot(lab, server, `${name}-mine`);
    return server;
  },
  async break(lab, server) {
    freezeCompute(lab);
    await serverAction(lab, server, 'shelve');
    await killCompute(lab);
    await waitServiceDown(lab, 'nova-compute');
  },
  novaDelete: deleteServer,
  mend: (lab) => reviveCompute(lab),
  beyondNova: [
    { line: deletedImage, why },
    ...Object.entries(properties).map(([name, value]) => ({ line: deletedProperty(name, value), why })),
  ],
};

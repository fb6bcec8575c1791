"""A Cinder backend for a machine without device mapper: a volume is a sparse file, exported by a tgtd that runs already.

For Cinder 21 (Zed), as root. It creates, exports and deletes volumes, empty ones and ones made of an image. What it does not know
(snapshots, clones, extending) Cinder's base class refuses by name.

Two ways to export, as storage systems have them:
- a target for each volume, with LUN 1 (like cinder/volume/targets/tgt.py). The target goes when the volume is detached.
- `sparse_shared_target`: one target for ever, each volume a LUN of it, the lowest that is free. So one session carries the disks
  of many servers, and a LUN comes back with another volume.
"""
import os

from oslo_config import cfg

from cinder import interface
from cinder.common import constants
from cinder.image import image_utils
from cinder.volume import configuration
from cinder.volume import driver
from cinder.volume.targets import iscsi
from cinder.volume import volume_utils

import tgt

GIB = 1024 ** 3

OPTIONS = [
    cfg.StrOpt('sparse_folder', help='Where the files of the volumes lie.'),
    cfg.StrOpt('tgt_socket', help='The socket of the tgtd that exports them.'),
    cfg.BoolOpt('sparse_shared_target', default=False, help='One target for all volumes.'),
]


class TgtExports(iscsi.SanISCSITarget):
    """Exports files by tgt. The connection info is made by Cinder's own helper, from `provider_location` and `provider_auth`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tgt = tgt.Tgt(self.configuration.tgt_socket)
        self.shared = self.configuration.sparse_shared_target

    def create_export(self, context, volume, volume_path, lun=None):
        """Exports a file at any free LUN, or at the given one; gives what Cinder keeps of it. Once more changes nothing."""
        iqn = self._iqn(volume)
        account = self._account(volume)
        with tgt.lock():
            number = self.tgt.ensure_target(iqn, account)
            lun = self.tgt.ensure_unit(number, volume_path, volume.id, lun)
        location = self._iscsi_location(self.configuration.target_ip_address, number, iqn, lun,
                                        self.configuration.iscsi_secondary_ip_addresses)
        return {'provider_location': location, 'provider_auth': self._iscsi_authentication('CHAP', *account)}

    def ensure_export(self, context, volume, volume_path):
        """Makes the export of a volume in use anew, where those who use it look for it: tgtd forgets all when it ends."""
        lun = int(volume.provider_location.split(' ')[2])
        return self.create_export(context, volume, volume_path, lun)

    def remove_export(self, context, volume, volume_path):
        with tgt.lock():
            if self.shared:
                self.tgt.remove_unit(self._iqn(volume), volume_path)
            else:
                self.tgt.remove_target(self._iqn(volume))

    def terminate_connection(self, volume, connector, **kwargs):
        """Says whether others use the same export (cinder/volume/manager.py:_connection_terminate keeps it then)."""
        return len(volume.volume_attachment) > 1

    def _iqn(self, volume):
        return self.configuration.target_prefix + ('shared' if self.shared else volume.name)

    def _account(self, volume):
        """The volume's CHAP account: the one that it has, the shared target's, or a new one."""
        if not self.shared:
            if volume.provider_auth:
                return tuple(volume.provider_auth.split(' ')[1:])
            return volume_utils.generate_username(), volume_utils.generate_password()
        file = os.path.join(self.configuration.sparse_folder, 'chap')
        if not os.path.exists(file):
            made = volume_utils.generate_username(), volume_utils.generate_password()
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w') as stream:
                stream.write(' '.join(made))
        with open(file) as stream:
            return tuple(stream.read().split(' '))


@interface.volumedriver
class SparseFileDriver(driver.VolumeDriver):
    VERSION = '1.0.0'

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)
        self.exports = None

    @staticmethod
    def get_driver_options():
        return OPTIONS

    def do_setup(self, context):
        os.makedirs(self.configuration.sparse_folder, mode=0o700, exist_ok=True)
        self.exports = TgtExports(configuration=self.configuration)

    def check_for_setup_error(self):
        self.exports.tgt.read_targets()

    def create_volume(self, volume):
        with open(self.local_path(volume), 'xb') as stream:
            stream.truncate(volume.size * GIB)

    def delete_volume(self, volume):
        try:
            os.remove(self.local_path(volume))
        except FileNotFoundError:
            # Of a volume whose creation failed.
            pass

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        path = self.local_path(volume)
        image_utils.fetch_to_raw(context, image_service, image_id, path, self.configuration.volume_dd_blocksize,
                                 size=volume.size, run_as_root=False)
        # The file is as long as the image now.
        os.truncate(path, volume.size * GIB)

    def local_path(self, volume):
        return os.path.join(self.configuration.sparse_folder, volume.name)

    def create_export(self, context, volume, connector):
        return self.exports.create_export(context, volume, self.local_path(volume))

    def ensure_export(self, context, volume):
        return self.exports.ensure_export(context, volume, self.local_path(volume))

    def remove_export(self, context, volume):
        self.exports.remove_export(context, volume, self.local_path(volume))

    def validate_connector(self, connector):
        self.exports.validate_connector(connector)

    def initialize_connection(self, volume, connector):
        return self.exports.initialize_connection(volume, connector)

    def terminate_connection(self, volume, connector, **kwargs):
        return self.exports.terminate_connection(volume, connector, **kwargs)

    def _update_volume_stats(self):
        disk = os.statvfs(self.configuration.sparse_folder)
        self._stats = {
            'volume_backend_name': self.configuration.volume_backend_name,
            'vendor_name': 'expunge-lab',
            'driver_version': self.VERSION,
            'storage_protocol': constants.ISCSI,
            'total_capacity_gb': disk.f_blocks * disk.f_frsize / GIB,
            'free_capacity_gb': disk.f_bavail * disk.f_frsize / GIB,
            # Cinder writes it into each new volume; os-brick locks by it.
            'multiattach': True,
            'shared_targets': self.configuration.sparse_shared_target,
        }

"""What the lab's Cinder driver asks of tgtd. Needs no Cinder."""
import re

from oslo_concurrency import lockutils
from oslo_concurrency import processutils


def lock():
    """Numbers are chosen by looking which are free, and each backend is a process of its own."""
    return lockutils.lock('expunge-lab-tgt', external=True)


def parse_targets(text):
    """Of `tgtadm --op show --mode target`: for each IQN its number, its units as {LUN: file}, and its accounts."""
    targets = {}
    for section in re.split(r'^(?=Target )', text, flags=re.MULTILINE):
        head = re.match(r'Target (\d+): (\S+)\n', section)
        if head is None:
            continue
        units = re.findall(r'^\s+LUN: (\d+)\n.*?^\s+Backing store path: ([^\n]*)$', section, flags=re.MULTILINE | re.DOTALL)
        accounts = re.search(r'^\s+Account information:\n(.*?)^\s+ACL information:', section,
                             flags=re.MULTILINE | re.DOTALL)
        targets[head[2]] = {
            'number': int(head[1]),
            'units': {int(lun): path for lun, path in units},
            'accounts': accounts[1].split() if accounts else [],
        }
    return targets


def lowest_free(used):
    """The lowest number from 1 that is not used; LUN 0 is tgt's own controller, and no target has number 0."""
    return next(number for number in range(1, len(used) + 2) if number not in used)


class Tgt:
    def __init__(self, socket):
        self.socket = socket

    def read_targets(self):
        return parse_targets(self._ask('show', 'target'))

    def ensure_target(self, iqn, account):
        """Gives the target's number. Who has the account may log in, from anywhere."""
        targets = self.read_targets()
        if iqn in targets:
            return targets[iqn]['number']
        number = lowest_free([target['number'] for target in targets.values()])
        user, password = account
        self._ask('new', 'target', '--tid', number, '--targetname', iqn)
        # Accounts are tgtd's, not the target's: one may be left of a target that was taken away by hand.
        self._ask('delete', 'account', '--user', user, allow=True)
        self._ask('new', 'account', '--user', user, '--password', password)
        self._ask('bind', 'account', '--tid', number, '--user', user)
        self._ask('bind', 'target', '--tid', number, '--initiator-address', 'ALL')
        return number

    def ensure_unit(self, number, path, serial, lun=None):
        """Gives the LUN of a file: the one that it has, or the given one, or the lowest that is free."""
        targets = self.read_targets().values()
        units = next(target['units'] for target in targets if target['number'] == number)
        for known, known_path in units.items():
            if known_path == path:
                return known
        chosen = lowest_free(units) if lun is None else lun
        place = ['--tid', number, '--lun', chosen]
        self._ask('new', 'logicalunit', *place, '--backing-store', path)
        # tgt makes a disk's WWID of the two numbers alone, so its serial number is what tells volumes apart.
        self._ask('update', 'logicalunit', *place, '--params', f'scsi_sn={serial.replace("-", "")}')
        return chosen

    def remove_unit(self, iqn, path):
        target = self.read_targets().get(iqn, {'units': {}})
        for lun, known_path in target['units'].items():
            if known_path == path:
                self._ask('delete', 'logicalunit', '--tid', target['number'], '--lun', lun)

    def remove_target(self, iqn):
        """Also from those who are logged in; its accounts go with it."""
        target = self.read_targets().get(iqn)
        if target is None:
            return
        self._ask('delete', 'target', '--force', '--tid', target['number'])
        for user in target['accounts']:
            self._ask('delete', 'account', '--user', user)

    def _ask(self, operation, mode, *args, allow=False):
        argv = ['/usr/sbin/tgtadm', '--lld', 'iscsi', '--op', operation, '--mode', mode, *[str(arg) for arg in args]]
        out, _ = processutils.execute(*argv, env_variables={'TGT_IPC_SOCKET': self.socket},
                                      check_exit_code=not allow)
        return out

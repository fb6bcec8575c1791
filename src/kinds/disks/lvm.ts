/** Logical volumes of a server in the volume group that Nova keeps its disks in. */
import { LookError } from '../../plan/errors.ts';
import { lineNotUnderstood, linesOf, whyFailed } from '../../site/command/lines.ts';
import type { Reader } from '../../site/reader.ts';
import type { LvmStore } from './stores.ts';

export interface LogicalVolume {
  readonly name: string;
  /** bytes */
  readonly size: number;
  /** something has it open: qemu, a mount, a mapping above it */
  readonly open: boolean;
}

const COLUMNS = 'lv_name,lv_size,lv_device_open';

/**
 * What `lv_device_open` says of a volume that nobody has open, beside nothing at all: one that is not active has no device to be open, and a
 * host may have asked for numbers (`report/binary_values_as_numeric`; lvm2 `lib/report/report.c:_binary_disp`, `_binary_undef_disp`).
 */
export const NOT_OPEN: readonly string[] = ['unknown', '0', '-1'];

/** One line for each volume: name, bytes, and whether something has it open. */
export function lvs(target: string, columns = COLUMNS): string[] {
  return ['lvs', '--noheadings', '--nosuffix', '--units', 'b', '--separator', '|', '-o', columns, target];
}

/**
 * Volumes called `<uuid>_…` (nova 26 `virt/libvirt/driver.py:_lvm_disks`).
 *
 * @throws LookError when lvs does not answer, or the group is not there
 */
export async function readLogicalVolumes(
  look: Reader,
  host: string,
  { group }: LvmStore,
  uuid: string,
): Promise<LogicalVolume[]> {
  const answer = await look.command.run(host, lvs(group));
  if (answer.exit !== 0)
    throw new LookError(
      `host ${host}`,
      `the volume group ${group} cannot be read: ${whyFailed('lvs', answer)}`,
      { code: 'volume-group-unreadable' },
    );
  return linesOf(answer.out)
    .map((line) => line.trim())
    .map((line) => {
      const [name = '', size = '', open = ''] = line.split('|');
      if (!/^[\w.+-]+$/.test(name) || !/^\d+$/.test(size))
        throw lineNotUnderstood(host, 'the list of logical volumes', line);
      return { name, size: Number(size), open: open !== '' && !NOT_OPEN.includes(open) };
    })
    .filter(({ name }) => name.startsWith(`${uuid}_`));
}

/** What kinds other than `domain` ask libvirt of a host. */
import { expect, test } from 'vitest';
import { readOtherDomains, readOwnDomain } from '../../src/kinds/domain/virsh.ts';
import { LookError } from '../../src/plan/errors.ts';
import { type FakeAnswers, fakeReader } from '../support/fake-reader.ts';
import { subject } from '../support/subjects.ts';
import {
  domainAnswers,
  domainXml,
  LIST,
  NAME,
  NEIGHBOUR,
  ONE_AT_A_TIME,
  SERVER,
  virshQuestion,
} from './domain-samples.ts';

const OTHER = 'instance-0000002b';
const THIRD = '22222222-2222-4333-8444-555555555555';
const two = {
  [LIST]: `${SERVER} ${NAME}\n${NEIGHBOUR} ${OTHER}\n\n`,
  [virshQuestion(`dumpxml ${NEIGHBOUR}`)]: domainXml({ uuid: NEIGHBOUR, name: OTHER, disk: '/dev/sdb' }),
};
const theirs = [{ name: OTHER, disks: ['/dev/sdb'] }];
const oldLists = (uuids: string[]) => ({
  [LIST]: ONE_AT_A_TIME,
  [virshQuestion('list --all --uuid')]: `${uuids.join('\n')}\n\n`,
  [virshQuestion('list --all --name')]: `${NAME}\n${OTHER}\n\n`,
});
const byName = {
  [virshQuestion(`dumpxml ${NAME}`)]: domainXml({ disk: '/dev/sda' }),
  [virshQuestion(`dumpxml ${OTHER}`)]: domainXml({ uuid: NEIGHBOUR, name: OTHER, disk: '/dev/sdb' }),
};

function others(command: FakeAnswers['command']) {
  return readOtherDomains(fakeReader({ command: command ?? {} }), 'compute1', subject());
}

test('every other domain is asked for by its uuid, the server’s own is not', async () => {
  expect(await others(two)).toEqual(theirs);
});

test('an old virsh is asked for each by its name, and the server’s own is told by its XML', async () => {
  expect(await others({ ...oldLists([SERVER, NEIGHBOUR]), ...byName })).toEqual(theirs);
});

test('a domain of the server that came after the list is told like any other', async () => {
  const both = [{ name: NAME, disks: ['/dev/sda'] }, ...theirs];
  expect(await others({ ...oldLists([NEIGHBOUR]), ...byName })).toEqual(both);
});

test.each([`error: failed to get domain '${THIRD}'\n`, 'error: Domain not found: no domain\n'])(
  'a domain that is gone when it is asked for uses nothing: %s',
  async (err) => {
    const listed = `${two[LIST].trim()}\n${THIRD} instance-0000002c\n\n`;
    expect(
      await others({ ...two, [LIST]: listed, [virshQuestion(`dumpxml ${THIRD}`)]: { exit: 1, err } }),
    ).toEqual(theirs);
  },
);

test('what another domain says counts, whatever virsh grumbles besides', async () => {
  const grumbling = {
    out: domainXml({ uuid: NEIGHBOUR, disk: '/dev/sdb' }),
    err: 'error: Domain not found\n',
  };
  expect(await others({ ...two, [virshQuestion(`dumpxml ${NEIGHBOUR}`)]: grumbling })).toEqual(theirs);
});

test.each([
  ['libvirt-unreachable', { exit: 1, err: 'error: Disconnected from qemu:///system\n' }],
  ['virsh-missing', { exit: 127 }],
])('a domain that cannot be asked for leaves open what it uses: %s', async (code, answer) => {
  const asked = others({ ...two, [virshQuestion(`dumpxml ${NEIGHBOUR}`)]: answer });
  await expect(asked).rejects.toBeInstanceOf(LookError);
  await expect(asked).rejects.toMatchObject({ code, place: 'host compute1' });
});

test('the server’s own domain is given, null when there is none, undefined when libvirt does not tell', async () => {
  const own = (command: FakeAnswers['command']) =>
    readOwnDomain(fakeReader({ command: command ?? {} }), 'compute1', subject());
  expect(await own(domainAnswers())).toMatchObject({ uuid: SERVER, name: NAME, active: true });
  expect(await own({ [LIST]: '\n' })).toBeNull();
  expect(await own({ [LIST]: { exit: 1, err: 'error: failed to connect to the hypervisor\n' } })).toBe(
    undefined,
  );
  await expect(own({})).rejects.toThrow('the test did not foresee');
});

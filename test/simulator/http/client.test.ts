import { expect, it } from 'vitest';
import { openSimulatedHttp } from '../../../src/simulator/http/client.ts';
import { simulatedCloud } from '../../support/simulated-apis.ts';

it('lets the world go on before each answer, and once more after a change', async () => {
  const { ask, reactions, server } = await simulatedCloud();
  await ask('GET', '/network/v2.0/ports');
  const before = reactions();
  await ask('GET', '/network/v2.0/ports');
  // The login that a request of this test makes is a POST.
  expect(reactions() - before).toBe(3);
  await ask('DELETE', `/placement/allocations/${server.uuid}`);
  expect(reactions() - before).toBe(7);
});

it('tells when a request is on its way, also of one that is refused', async () => {
  const { world } = await simulatedCloud();
  let sent = 0;
  const client = openSimulatedHttp(world, () => {});
  const url = new URL('http://demo/network/v2.0/ports');
  const { status } = await client.send('Neutron', { method: 'GET', url, headers: {} }, () => sent++);
  expect({ status, sent }).toEqual({ status: 401, sent: 1 });
});

it('reaches no other host', async () => {
  const { world } = await simulatedCloud();
  const url = new URL('http://elsewhere.example/v2.0/ports');
  await expect(
    openSimulatedHttp(world, () => {}).send('Neutron', { method: 'GET', url, headers: {} }),
  ).rejects.toMatchObject({ code: 'api-unreachable', message: expect.stringContaining('elsewhere.example') });
});

it('names a service that is not there', async () => {
  const { ask } = await simulatedCloud();
  const { status, body } = await ask('GET', '/dns/v2/zones');
  expect(status).toBe(501);
  expect(JSON.stringify(body)).toContain('there is no service at /dns');
});

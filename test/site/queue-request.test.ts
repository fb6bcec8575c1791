import { describe, expect, test } from 'vitest';
import { readRequest } from '../../src/site/queue/request.ts';

const SERVER = '11111111-2222-4333-8444-555555555555';
const OTHER = '11111111-2222-4333-8444-555555555556';
const SECRET = 's3cret-do-not-print';
const instance = (uuid: string) => ({
  'nova_object.name': 'Instance',
  'nova_object.namespace': 'nova',
  'nova_object.version': '2.7',
  'nova_object.data': { uuid, host: 'compute1' },
});

/** As nova 26 sends it through oslo.messaging 14, with what a request holds besides. */
function message(request: object, envelope: object = { 'oslo.version': '2.0' }) {
  const inner = {
    version: '6.0',
    _context_auth_token: SECRET,
    _context_request_id: 'req-0f6c5f0e-6d2e-4f0c-9a3c-000000000001',
    _context_timestamp: '2026-11-22T03:00:00.123456',
    _unique_id: 'abc',
    ...request,
  };
  const text = JSON.stringify({ 'oslo.message': JSON.stringify(inner), ...envelope });
  return { body: Buffer.from(text), packed: false };
}

const terminate = {
  method: 'terminate_instance',
  args: { instance: instance(SERVER), bdms: { 'nova_object.data': { auth_password: SECRET } } },
};

test('a delete: what, of which server, who asked and when, and nothing else', () => {
  const read = readRequest(message(terminate));
  expect(read).toEqual({
    method: 'terminate_instance',
    server: SERVER,
    requestId: 'req-0f6c5f0e-6d2e-4f0c-9a3c-000000000001',
    askedAt: '2026-11-22T03:00:00.123456',
    mentions: [],
  });
  expect(JSON.stringify(read)).not.toContain(SECRET);
});

test('an instance that is no object, as Kilo sent it', () => {
  expect(
    readRequest(message({ method: 'reboot_instance', args: { instance: { uuid: SERVER } } })).server,
  ).toBe(SERVER);
});

test.each([
  ['none', { method: 'get_available_resource', args: {} }],
  ['several', { method: 'external_instance_event', args: { instances: [instance(SERVER)], events: [] } }],
  ['null', { method: 'check_instance_shared_storage', args: { instance: undefined, data: SERVER } }],
])('a request that works on %s names no server', (_, request) => {
  expect(readRequest(message(request))).toMatchObject({ method: request.method, server: null, mentions: [] });
});

describe('what is not understood is not guessed, and its uuids are told', () => {
  test.each([
    ['another envelope', message(terminate, { 'oslo.version': '3.0' })],
    ['no envelope', { body: Buffer.from(JSON.stringify(terminate)), packed: false }],
    ['no JSON', { body: Buffer.from(`{"a": ${SERVER}`), packed: false }],
    [
      'an instance of another kind',
      message({ method: 'x', args: { instance: { ...instance(SERVER), 'nova_object.name': 'InstanceV9' } } }),
    ],
    ['no arguments', message({ method: SERVER })],
  ])('%s', (_, given) => {
    expect(readRequest(given)).toEqual({
      method: null,
      server: null,
      requestId: null,
      askedAt: null,
      mentions: expect.arrayContaining([SERVER]),
    });
  });
  test('what names another server does not mention this one', () => {
    expect(readRequest({ body: Buffer.from(`x ${OTHER} y`), packed: false }).mentions).toEqual([OTHER]);
  });
  test('what is packed may mention anybody', () => {
    expect(readRequest({ ...message(terminate), packed: true })).toMatchObject({
      method: null,
      mentions: null,
    });
  });
});

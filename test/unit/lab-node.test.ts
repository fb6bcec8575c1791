import { describe, expect, test } from 'vitest';
import { renderIni } from '../../lab/config/ini.ts';
import { cloudPorts, nodeMl2Config, nodeNeutronConfig, nodeNovaConfig } from '../../lab/node/config.ts';
import { parseAddress, parseForwards } from '../../lab/node/forward.ts';
import { parseMaps } from '../../lab/node/iscsi.ts';
import { openLab } from '../../lab/paths.ts';

describe('what multipathd says of its paths', () => {
  // multipath-tools 0.9.4 on the node: two units over two portals, one cable out.
  const text = `360000000000000000e00000000090001|sda|active|360000000000000000e00000000090001
360000000000000000e00000000090002|sdb|active|360000000000000000e00000000090002
360000000000000000e00000000090001|sdc|failed|360000000000000000e00000000090001
360000000000000000e00000000090002|sdd|failed|360000000000000000e00000000090002
`;

  test('is read as maps with their paths', () => {
    expect(parseMaps(text)).toEqual([
      {
        name: '360000000000000000e00000000090001',
        paths: [
          { device: 'sda', state: 'active' },
          { device: 'sdc', state: 'failed' },
        ],
      },
      {
        name: '360000000000000000e00000000090002',
        paths: [
          { device: 'sdb', state: 'active' },
          { device: 'sdd', state: 'failed' },
        ],
      },
    ]);
  });

  test('a path without a map is in none', () => {
    expect(parseMaps('360000000000000000e00000000090001|sda|undef|[orphan]\n')).toEqual([]);
  });
});

describe('addresses of a forward', () => {
  test('are TCP or a socket in the file system', () => {
    expect(parseAddress('127.0.0.1:2223')).toEqual({ host: '127.0.0.1', port: 2223 });
    expect(parseAddress('/run/x.sock')).toEqual({ path: '/run/x.sock' });
    expect(parseAddress('10.77.0.1:3300,10.77.0.2')).toEqual({
      host: '10.77.0.1',
      port: 3300,
      localAddress: '10.77.0.2',
    });
  });

  test.each([
    'x.sock',
    ':22',
    '127.0.0.1:0',
    '127.0.0.1:70000',
    'localhost:22',
    '1.2.3.4:22,',
    '1.2.3.4:22,x',
    '',
  ])('%j is refused', (text) => {
    expect(() => parseAddress(text)).toThrow(`forward: ${text} is neither`);
  });

  test('come in pairs', () => {
    expect(parseForwards(['/a', '/b', '/c', '/d'])).toEqual([
      { from: '/a', to: '/b' },
      { from: '/c', to: '/d' },
    ]);
    expect(() => parseForwards(['/a'])).toThrow('pairs');
    expect(() => parseForwards([])).toThrow('pairs');
  });
});

describe("the node's configs", () => {
  const lab = openLab();

  test('name no service of the cloud at an address that is the node itself', () => {
    const text = [nodeNovaConfig(lab), nodeNeutronConfig(lab), nodeMl2Config()].map(renderIni).join('\n');
    for (const port of cloudPorts) expect(text).not.toContain(`127.0.0.1:${port}\n`);
    expect(text).toContain('transport_url = rabbit://guest:guest@10.77.0.1:5672/');
    expect(text).toContain('auth_url = http://10.77.0.1:5000\n');
    // The switch's database is the node's own.
    expect(text).toContain('ovsdb_connection = tcp:127.0.0.1:6640\n');
  });

  test('name no database', () => {
    expect(Object.keys(nodeNovaConfig(lab)).filter((section) => section.includes('database'))).toEqual([]);
    expect(Object.keys(nodeNeutronConfig(lab)).filter((section) => section.includes('database'))).toEqual([]);
  });

  test('are of a host of its own name', () => {
    expect(nodeNovaConfig(lab)['DEFAULT']).toMatchObject({ host: 'node2', my_ip: '10.77.0.2' });
    expect(nodeNeutronConfig(lab)['DEFAULT']).toMatchObject({ host: 'node2' });
  });
});

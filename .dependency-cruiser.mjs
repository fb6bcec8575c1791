/** Imports go one way between the rooms of src: cli → run → kinds → plan; all may use site; site knows nobody but plan's types. */
const rooms = {
  plan: [],
  site: ['plan'],
  kinds: ['plan', 'site'],
  run: ['plan', 'site', 'kinds'],
  cli: ['plan', 'site', 'kinds', 'run'],
};

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'product-needs-no-dev-packages',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'src-knows-no-lab-or-test',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(lab|test|scripts)/' },
    },
    ...Object.entries(rooms).map(([room, may]) => ({
      name: `${room}-imports`,
      severity: 'error',
      comment: `src/${room} may import only ${[room, ...may].join(', ')}`,
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: `^src/(${[room, ...may].join('|')})/` },
    })),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js', '.json'] },
  },
};

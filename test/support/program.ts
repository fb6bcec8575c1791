/** The program as its users have it, which the tests of processes start: built once for all of them. */
const built = 'EXPUNGE_BUILT';

export function setProgram(path: string): void {
  process.env[built] = path;
}

export function builtProgram(): string {
  const path = process.env[built];
  if (path === undefined) throw new Error('the program was not built: test/support/global-setup.ts');
  return path;
}
